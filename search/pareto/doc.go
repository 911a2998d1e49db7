// Package pareto is the mathematics of Pareto fronts: dominance,
// non-dominated sorting, crowding distance, hypervolume and the knee of a front.
//
// A point is a vector of objectives, all to be minimised and none NaN; negate
// what is to be maximised. All points of a call have the same length.
package pareto
