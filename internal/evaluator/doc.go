// Package evaluator makes the models of a config and judges networks by them.
//
// [New] makes a [Setup]: the latency profiles (calibrated where one is missing), the reference
// sample of the space, the accuracy estimator on the scale of that sample, and the worst values of
// the sample. The [Evaluator] of a setup gives each network its counts, its latency on every device
// and its accuracy, and holds them against the constraints.
package evaluator
