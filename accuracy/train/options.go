package train

import (
	"math"

	"nas/internal/fault"
)

// Options say how a network is trained. [Defaults] has those of nas train.
type Options struct {
	Epochs int `json:"epochs"` // over which the learning rate falls to zero
	Batch  int `json:"batch"`  // images of a step: a multiple of [Shards], or fewer where there are not so many images

	Optimizer string  `json:"optimizer"` // [SGD] or [AdamW]
	Rate      float64 `json:"rate"`      // the highest learning rate
	Warmup    int     `json:"warmup"`    // steps in which it is reached, an epoch's at most
	Momentum  float64 `json:"momentum"`  // of SGD
	Decay     float64 `json:"decay"`     // weight decay, of weights but not of biases and batch normalisation
	Smoothing float64 `json:"smoothing"` // of the labels
	Clip      float64 `json:"clip"`      // longer gradients are cut to this norm; 0: none
	EMA       float64 `json:"ema"`       // the share of the averaged weights that a step leaves; 0: no average

	Shift  int  `json:"shift"`  // images are moved by up to so many pixels
	Flip   bool `json:"flip"`   // half of the images are mirrored
	Cutout int  `json:"cutout"` // side of a grey square in each image; 0: none

	Seed uint64 `json:"seed"` // of the order of the images, and of what is changed in them

	Workers int `json:"-"` // goroutines; 0 means 1. The weights do not depend on it
}

// Defaults are the options of the evaluator recipes.
func Defaults() Options {
	return Options{Epochs: 30, Batch: 128, Optimizer: SGD, Rate: 0.1, Warmup: 100, Momentum: 0.9, Decay: 5e-4,
		Smoothing: 0.1, EMA: 0.99, Shift: 2}
}

// check names the first option that cannot be.
func (o *Options) check() error {
	for _, v := range []struct {
		name        string
		v, lo, most float64
	}{
		{"epochs", float64(o.Epochs), 1, 1e6}, {"batch", float64(o.Batch), Shards, 1 << 16}, {"rate", o.Rate, 0, 1e3},
		{"warmup", float64(o.Warmup), 0, 1e9}, {"momentum", o.Momentum, 0, 1}, {"decay", o.Decay, 0, 1},
		{"smoothing", o.Smoothing, 0, 1}, {"clip", o.Clip, 0, math.MaxFloat64}, {"ema", o.EMA, 0, 1},
		{"shift", float64(o.Shift), 0, 1 << 10}, {"cutout", float64(o.Cutout), 0, 1 << 10},
	} {
		if !(v.v >= v.lo && v.v <= v.most) {
			return fault.Errorf("train: %s %g: want %g to %g", v.name, v.v, v.lo, v.most)
		}
	}
	if o.Batch%Shards != 0 {
		return fault.Errorf("train: batch %d: want a multiple of %d", o.Batch, Shards)
	}
	if o.Optimizer != SGD && o.Optimizer != AdamW {
		return fault.Errorf("train: optimizer %q: want %s or %s", o.Optimizer, SGD, AdamW)
	}
	return nil
}
