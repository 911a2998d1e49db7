// Package stat holds the statistics that more than one package needs and that
// gonum has not: Gaussian processes, ridge and non-negative least squares, rank
// correlations, order statistics, and what a score is worth for choosing networks.
//
// Everything is deterministic: the order of floating-point operations does not
// depend on the number of processors.
package stat
