package main

import (
	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/quant"
	"nas/blocks/tflite"
	"nas/internal/resolve"
)

// forward returns a function that computes the outputs of one image, the first one's values first.
func (a *app) forward(n *resolve.Network, o inferFlags) (func(y, one []float32) error, error) {
	to := engine.Host(o.threads)
	if ofIntegers(n) && o.weights == "" && o.dtype != "float32" {
		q, err := n.File.Quantised()
		switch {
		case err == nil:
			return runIntegers(q, to)
		case n.File.Integers != nil: // by the readable arithmetic
			return integerRun(n)
		case o.dtype == "int8":
			return nil, err
		}
		a.notef("note: its ops are computed in float32, each rounded: %v\n", err)
	}
	w, err := a.weightsOf(n, o.weights, o.seed)
	if err != nil {
		return nil, err
	}
	if o.dtype == "int8" {
		return a.quantised(n, w, to, o)
	}
	p, err := engine.Compile(n.Network, to, engine.Options{})
	if err != nil {
		return nil, err
	}
	return p.Run, p.Bind(w)
}

// quantised is the forward function of a network of floats that is quantised first.
func (a *app) quantised(
	n *resolve.Network, w *blocks.Weights, to engine.Target, o inferFlags,
) (func(y, one []float32) error, error) {
	f := integerFlags{quantize: "int8", io: "float", images: o.ranges}
	if o.ranges != "" {
		f.mean, f.std = o.mean, o.std
	}
	how, err := a.integers(f, n, o.seed)
	if err != nil {
		return nil, err
	}
	how.Run = engine.Activations
	q, err := tflite.QuantizeNetwork(n.Network, w, *how)
	if err != nil {
		return nil, err
	}
	return runIntegers(q, to)
}

// runIntegers is the forward function of a network of integers.
func runIntegers(q *quant.Network, to engine.Target) (func(y, one []float32) error, error) {
	to.DType = engine.Int8
	p, err := engine.Compile(q.Net, to, engine.Options{})
	if err != nil {
		return nil, err
	}
	return p.Run, p.BindInteger(new(engine.Workspace), q)
}

// outputLen is the number of values of all outputs.
func outputLen(n *blocks.Network) int {
	k := 0
	for _, i := range n.Returned() {
		k += n.Nodes[i].Shape.Elems()
	}
	return k
}

// integerRun is what a plan's Run is, by the integer arithmetic of the file that n was read from.
func integerRun(n *resolve.Network) (func(y, one []float32) error, error) {
	run, err := n.File.Integers()
	if err != nil {
		return nil, err
	}
	in, outs := layoutsOf(n, "")
	x := make([]float32, in.values())
	return func(y, one []float32) error {
		if err := in.fromNetwork(x, one); err != nil {
			return err
		}
		results, err := run(x)
		if err != nil {
			return err
		}
		if len(results) != len(outs) {
			return usagef("%s: a file of integers runs with all its outputs: leave --output-name out", n.Name)
		}
		at := 0
		for k, out := range outs {
			if err := out.toNetwork(y[at:][:len(results[k])], results[k]); err != nil {
				return err
			}
			at += len(results[k])
		}
		return nil
	}, nil
}
