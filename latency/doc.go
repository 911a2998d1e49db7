// Package latency predicts how long networks take on a device, says how far the prediction
// can be trusted, and holds the profiles that it predicts from.
//
//	rt := native.New(1)                                              // this machine, one thread
//	p, err := calibrate.Device(ctx, rt, networks, calibrate.Options{})
//	err = p.Save(path)                                               // readable JSON, measurements included
//	r, err := p.Predictor()
//	e, err := r.Predict(network)                                     // e.LatencyMs, e.LowMs, e.HighMs, e.Kernels
//
// Package timing measures, package calibrate decides what to measure and makes the profile,
// package recipe makes a runtime of any program that times a model file. [FromTable] makes a
// profile from measurements of anybody, [Adapt] from a few networks and another device's
// profile, and [Validate] checks a profile on the device. From the fit to the interval
// everything is the same for all devices.
//
// # The model
//
// A network is cut into units (timing.Device.Calls): the kernel calls of the engine's plan,
// or, for other runtimes, convolutions with what runtimes commonly fuse. Its latency comes
// from five levels of fits, each to what the one before leaves (package internal/costmodel):
//
//		timed units    -1-> terms of a kind    a(u) = terms(u) . costs, with costs >= 0
//		               -2-> Gaussian process   ms(u) = a(u) exp g(features(u))
//		               -3-> table              ms(u) = as it was timed
//		measured sums  -4-> additive process   ms(u) = sum of a(c) exp f(c) over the components c of u,
//		                     |                 in place of g where only blocks or networks were measured
//		                     v sum over units
//		held-out       -5-> network model      ms = sum exp(w . (1, log2 sum, calls/sum, log2 weights) + h(shares))
//		networks                               low, high = ms exp(-+ (q (floor + sd) + between))
//
//	 1. Terms are amounts of work that take time in proportion: multiply-accumulates with the
//	    tails of their tiles filled up, bytes by the cache level that they come from,
//	    activations by their price (package internal/workload). Costs that cannot be negative
//	    extrapolate as work does.
//	 2. What the terms get wrong is a smooth function of the unit's sizes and tails. Far from
//	    all measured units it is nothing (kind.go).
//	 3. A unit that was timed has its own row (unit_table.go). One of a kind never measured, or
//	    far outside of what was measured, gets a wide interval and a warning; none is ever free.
//	 4. A table of blocks, or end-to-end latencies, show sums only. The corrections f are found
//	    from them jointly (additive.go, block.go, end_to_end.go).
//	 5. What units do to each other shows in held-out networks, which also give the interval: q
//	    is a conformal quantile, so that 90 % of networks like them lie inside (network.go).
//
// nn-Meter (Zhang et al., MobiSys 2021) is the model for kernels as units and for sampling
// where the error is. This package differs in timing units inside running networks, in the
// analytic part (its random forests cannot extrapolate), in intervals, and in needing
// minutes: it measures what the networks of a space really use.
//
// # What it cannot see
//
// Sustained heat, other programs on the device, and networks that run at the same time. A
// front searched on one runtime is not the front of another: calibrate the one that you
// deploy.
package latency
