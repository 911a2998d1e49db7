// Package search finds the Pareto front of a search space: NSGA-II and its
// rivals behind one ask/tell interface, the run loop that evaluates candidates
// concurrently, the front, and the indicators that judge it.
//
// # Order
//
// Evaluation is concurrent; the logical order is not. [Run] asks a [Searcher]
// until it says [Wait], tells it exactly one result, the one with the smallest
// id not told yet, and asks again. What candidate i is built from is therefore
// decided by the searcher alone, through the moments at which it waits, and
// never by how many workers there are or which of them is faster. All
// randomness of a candidate comes from the run's seed and the candidate's id.
// Two consequences: the recorded trials are the same bytes for any number of
// workers, and a stopped run is resumed by replaying its records through the
// same sequence of asks and tells ([Options.Replay]).
//
// # Constraints
//
// An [Evaluator] computes cheap constraints first and returns early when one is
// broken. Searchers rank by constraint domination (Deb et al., 2002): feasible
// before infeasible, infeasible ones by [Result.Violation], failed ones last.
//
// # Directions
//
// Stored values are in their own units and directions. Inside the package
// objectives are vectors to be minimised; the sign is changed in one place,
// [Objective.cost], and never leaves the package.
package search
