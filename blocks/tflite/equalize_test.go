package tflite

import (
	"math"
	"math/rand/v2"
	"testing"

	"nas/blocks"
)

// uneven is a network of three convolutions whose channels have scales of 1/30 to 30, which the next layer undoes.
func uneven(t *testing.T, act blocks.ActFunc) (*blocks.Network, *blocks.Weights) {
	t.Helper()
	n := build(t, blocks.Shape{H: 8, W: 8, C: 3}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = b.Apply("a", &blocks.Conv{Out: 16, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Bias: true}, x)
		x = b.Apply("a.act", &blocks.Activation{Func: act}, x)
		x = b.Apply("b", &blocks.Conv{Out: 16, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Groups: 16, Bias: true}, x)
		x = b.Apply("b.act", &blocks.Activation{Func: act}, x)
		return b.Apply("c", &blocks.Conv{Out: 4, Kernel: [2]int{1, 1}, Groups: 2, Bias: true}, x)
	})
	w := blocks.NewWeights(n, 3)
	r := rand.New(rand.NewPCG(7, 8))
	for c := range 16 {
		f := float32(math.Exp(3.4 * (2*r.Float64() - 1)))
		for i := range w.Node(1)[0] {
			if i%16 == c {
				w.Node(1)[0][i] *= f
			}
		}
		w.Node(1)[1][c] = 0.1 * f
		for k := range 9 {
			w.Node(3)[0][k*16+c] /= f
		}
	}
	return n, w
}

// noise is the share of what integers compute that floats do not, in decibels below the signal.
func noise(t *testing.T, n *blocks.Network, w *blocks.Weights, o QuantizeOptions) float64 {
	t.Helper()
	o.Images, o.Percentile = normalImages(n.Input(), 4), 100
	m, err := Quantize(n, w, o)
	if err != nil {
		t.Fatal(err)
	}
	var signal, wrong float64
	for k, want := range runImages(t, n, w, o.Images) {
		got, err := m.Run(o.Images[k])
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range want {
			signal, wrong = signal+float64(v*v), wrong+math.Pow(float64(v-got[0][i]), 2)
		}
	}
	return 10 * math.Log10(signal/wrong)
}

// TestEqualize wants the same floats for the images of the ranges, ranges alike before and after ReLU, and integers of
// one scale a layer that are nearer to the floats.
func TestEqualize(t *testing.T) {
	for _, act := range []blocks.ActFunc{blocks.ReLU, blocks.ReLU6, blocks.Identity} {
		n, w := uneven(t, act)
		images := normalImages(n.Input(), 4)
		run, err := QuantizeOptions{}.run(n, w)
		if err != nil {
			t.Fatal(err)
		}
		most, err := channelMaxima(n, run, images)
		if err != nil {
			t.Fatal(err)
		}
		even := equalize(n, w, most)
		want := runImages(t, n, w, images)
		for i, got := range runImages(t, n, even, images) {
			if d := differ(got, want[i]); !(d < 1e-5) {
				t.Errorf("%v: image %d differs by %.2g of the largest output", act, i, d)
			}
		}
		moved := 0
		for c := range 16 {
			clipped := act == blocks.ReLU6 && most[2][c] >= clipAt*0.999
			if same := even.Node(1)[1][c] == w.Node(1)[1][c]; clipped && !same {
				t.Errorf("channel %d reaches 6 and was moved", c)
			} else if !same {
				moved++
			}
			var before, after float64
			for i := c; i < 27*16; i += 16 {
				before = max(before, math.Abs(float64(even.Node(1)[0][i])))
			}
			for k := range 9 {
				after = max(after, math.Abs(float64(even.Node(3)[0][k*16+c])))
			}
			if ratio := before / after; act != blocks.ReLU6 && math.Abs(ratio-1) > 0.01 {
				t.Errorf("%v: channel %d has weights of %.3g before and %.3g after", act, c, before, after)
			}
		}
		if moved < 4 {
			t.Errorf("%v: %d channels of 16 were moved", act, moved)
		}
		plain := noise(t, n, w, QuantizeOptions{PerTensor: true})
		better := noise(t, n, w, QuantizeOptions{PerTensor: true, Equalize: true})
		t.Logf("%v: integers are %.1f dB below the signal, equalised %.1f dB", act, plain, better)
		if better < plain+3 {
			t.Errorf("%v: equalised, integers are %.1f dB below the signal, %.1f dB without", act, better, plain)
		}
	}
}
