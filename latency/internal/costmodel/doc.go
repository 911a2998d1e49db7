// Package costmodel predicts the latency of a network from the units that it consists of.
// It knows nothing of how times are measured, nor of files: package latency feeds it the
// measurements of a profile and stores what it fits.
//
// The five levels and their formulas are drawn in the comment of package latency.
//
//	internal/workload       what a unit looks like to the models: terms and features
//	kind.go, costs.go       KindModel: costs of one kind of unit, and a Gaussian process
//	cost.go                 Cost of one call, Totals of a network
//	unit_table.go           the units that were timed, and what was predicted of others
//	unit_model.go           UnitModel: the cost of any unit, from the table or the models
//	block.go                costs of the components of blocks, from a table of blocks
//	additive.go             AdditiveModel: corrections where only sums were measured
//	end_to_end.go           costs from the end-to-end latencies of networks
//	network.go              NetworkModel: from the sum over the units to the network's time
package costmodel
