package engine

import (
	"math/rand/v2"

	"nas/blocks"
)

// calibrationBatch is the number of images of CalibrateBN.
const calibrationBatch = 8

// CalibrateBN sets the moving mean and variance of every batch normalisation in
// w to those of one batch of eight images of standard normal noise, drawn from
// the seed. Random weights become a network whose activations neither vanish nor
// explode, as those of a trained one do: outputs and timings can be compared.
func CalibrateBN(n *blocks.Network, w *blocks.Weights, seed uint64) error {
	p, err := Compile(n, Host(1), Options{Batch: calibrationBatch, BatchStats: true})
	if err != nil {
		return err
	}
	if err := p.Bind(w); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 0x6e6f7277))
	in, out := make([]float32, p.InLen()), make([]float32, p.OutLen())
	for i := range in {
		in[i] = float32(r.NormFloat64())
	}
	if err := p.Run(out, in); err != nil {
		return err
	}
	for i, run := range p.runs {
		bn, ok := run.(*batchNormRun)
		if !ok {
			continue
		}
		ts := w.Node(int(p.steps[i].fold[0].bn))
		for k := range bn.mean {
			ts[2][k], ts[3][k] = float32(bn.mean[k]), float32(bn.variance[k])
		}
	}
	return nil
}
