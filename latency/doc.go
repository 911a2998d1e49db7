// Package latency knows how long networks take on a device: it measures, fits
// what it measured, says how far the fit can be trusted, and predicts.
//
//	rt := latency.NewNative(1)                                   // this machine, one thread
//	p, err := latency.Calibrate(ctx, rt, networks, latency.Options{})
//	err = p.Save(path)                                           // readable JSON, measurements included
//	r, err := p.Predictor()
//	e, err := r.Predict(network)                                 // e.LatencyMs, e.LowMs, e.HighMs, e.Kernels
//
// # Devices
//
// A [Runtime] times networks. [Native] runs the kernels of package engine on this
// machine. A [Recipe] writes model files and runs a command that times them, here
// or on a device that the command reaches. [FromTable] makes a profile from
// measurements of anybody, [Adapt] from a few networks and another device's
// profile. What follows, from the fit to the interval, is the same for all.
//
// # Units
//
// A network is cut into units: the kernel calls of the plan that the engine would
// run (engine.Unit). For runtimes other than our own the plan is one without block
// fusion: convolutions with the batch normalisation, addition and activation that
// runtimes commonly fuse. The latency of a network is the sum over its units plus
// what measured networks show beyond it (NetworkModel).
//
// # How timings are taken
//
// On this machine the units are timed inside running networks, each on the
// activations of the one before: a kernel repeated by itself would find its data
// in a nearer cache than life offers. The goroutine is locked to its thread, the
// thread bound to a core, the garbage collector off. Between runs a reference kernel
// is timed. If it was slower than at other times, the clock fell or a neighbour took
// part of the core, and the network is timed again; if it was slow at each visit, runs
// count at the pace of the reference kernel beside them. Runs in which the system gave
// the core to another task are dropped; where nearly all are, they count with the
// time that the thread had the core. What remains doubtful is a warning that travels
// with the profile, the sample or the estimate.
//
// # How units are predicted
//
// A unit that was timed has its own row in the profile's table. The others come
// from a model of their kind: a sum of terms with costs that are not negative (so
// that it extrapolates like work does), times the exponential of a Gaussian
// process over sizes and tails. A unit of a kind never measured, or far outside
// of what was, gets a wide interval and a warning; none is ever free.
//
// nn-Meter (Zhang et al., MobiSys 2021) is the model for kernels as units and for
// sampling where the error is. This package differs in timing inside networks, in
// the analytic part (its random forests cannot extrapolate), in intervals, and in
// needing minutes: it measures what the networks of a space really use.
//
// # What it cannot see
//
// Sustained heat, other programs on the device, and the interplay of networks
// that run at the same time. A front searched on one runtime is not the front of
// another: calibrate the one that you deploy.
package latency
