// Package rungs decides which networks are trained further, and remembers what was trained.
//
// Networks are trained by rungs, such as 3, 10 and 30 epochs. Of those that came to a rung, the best of each eta go on
// to the next. That is successive halving without a fixed bracket (ASHA: Li, Jamieson, Rostamizadeh, Gonina, Hardt,
// Recht and Talwalkar, "A system for massively parallel hyperparameter tuning", MLSys 2020, algorithm 2), with three
// differences. A network is judged when it reaches a rung, among those of smaller trial id, and not again. The order
// is that of the trials and not that in which trainings end: the same networks go on whatever runs at the same time.
// And networks are compared in all objectives, by the rank of their front and, where a front is cut, by what keeps it
// spread. One that no other dominates at its rung goes on in any case: a front has members at every cost, and with one
// in eta alone most of them would be stopped.
//
// A searcher may decide in place of this rule: [Candidate] then says how far a network is trained, and which rungs an
// earlier trial of the same network came to.
package rungs
