// Package engine turns a network into a plan of kernel calls and runs it.
//
//	plan, err := engine.Compile(net, engine.Host(1), engine.Options{})
//	calls := plan.Kernels()            // what will run, in order; no weights needed
//	err = plan.Bind(weights)           // folds and packs the weights
//	err = plan.Run(out, in)            // HWC floats in, HWC floats out
//
// A [Plan] is a pure function of the network, the [Target] and the [Options]:
// never of a timing, nor of the machine that compiles it. The plan of a phone
// can be listed on a laptop; only Bind and what follows need a machine with the
// target's instruction set. What is listed is what is run, so a latency model
// that knows the [Unit] of each call knows the plan.
//
// # From ops to calls
//
// The nodes are visited in network order. Each op kind has a lowering, one file
// each, found by its name in a table; an op without one runs by its reference
// evaluation, as a unit called "eval." and its kind. A convolution takes what
// follows it along: batch normalisation (folded into the weights), one residual
// addition, one activation, as long as nobody else reads what lies between. A
// concatenation costs nothing where its inputs can be written straight into its
// buffer. An inverted residual block whose expanded tensor would fall out of the
// second-level cache becomes one call that keeps a few rows of it alive (block.go).
//
// # Numbers
//
// A run gives the same bytes with any number of threads, and with block fusion
// on or off, on one instruction set. Against [blocks.Network.Eval], which sums in
// float64, values agree to about 1e-5 of the largest one.
package engine
