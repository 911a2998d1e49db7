package train

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// batchOf are images and labels for a network.
func batchOf(r *rand.Rand, n *blocks.Network, images int) (batch [][]float32, labels []int) {
	for range images {
		x := make([]float32, n.Input().Elems())
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		batch, labels = append(batch, x), append(labels, r.IntN(n.Output().C))
	}
	return batch, labels
}

// loadOf is what gives a batch to a model.
func loadOf(batch [][]float32) func(w *worker, s span, dst []float32) {
	return func(_ *worker, s span, dst []float32) {
		for i := range s.n {
			copy(dst[i*len(batch[0]):], batch[s.first+i])
		}
	}
}

// uneven are weights of which no batch normalisation is plain.
func uneven(r *rand.Rand, n *blocks.Network) *blocks.Weights {
	w := blocks.NewWeights(n, 3)
	for i := range n.Nodes {
		for _, v := range w.Node(i) {
			for c := range v {
				v[c] += float32(0.1 * r.NormFloat64())
			}
		}
	}
	return w
}

// tested are the networks whose gradients are tested: of one op with one option each, and of some.
func tested(t *testing.T) map[string]*blocks.Network {
	all := singles(t)
	maps.Copy(all, networks(t))
	return all
}

const (
	testImages    = 8
	testSmoothing = 0.1
)

// TestReference compares the gradients of the reference, in float64, with finite differences: by the parameters, and by
// the images. In float32 the reference finds the same but for rounding.
func TestReference(t *testing.T) {
	for name, n := range tested(t) {
		r := rand.New(rand.NewPCG(1, 2))
		w := uneven(r, n)
		batch, labels := batchOf(r, n, testImages)
		ref := newNetwork[float64](n, w, batch, labels, testSmoothing)
		single := newNetwork[float32](n, w, batch, labels, testSmoothing)
		loss := ref.gradients()
		if l := single.gradients(); math.Abs(l-loss) > 1e-5*loss {
			t.Errorf("%s: the loss is %g, and %g in float32", name, loss, l)
		}
		check := func(what string, v, d []float64) {
			var want, got []float64
			for range min(6, len(v)) {
				at := r.IntN(len(v))
				got = append(got, d[at])
				want = append(want, difference(ref, &v[at], d[at]))
			}
			if e := apart(got, want); !(e <= 1e-6) {
				t.Errorf("%s: the gradient by %s differs by %.2g", name, what, e)
			}
		}
		grads := slices.Clone(ref.dParams)
		for i := range n.Nodes {
			for k, p := range n.Params(i) {
				if !p.Moving {
					what := p.Name + " of " + n.Nodes[i].Name
					check(what, ref.params[i][k], slices.Clone(grads[i][k]))
					if e := apart(single.dParams[i][k], grads[i][k]); !(e <= 1e-3) {
						t.Errorf("%s: the gradient by %s differs by %.2g in float32", name, what, e)
					}
				}
			}
		}
		for b := range 2 {
			check("an image", ref.maps[0][b], slices.Clone(ref.grad[0][b]))
		}
	}
}

// difference is the finite difference of the loss by one value, whose gradient is said to be d. If that is far off, a
// smaller step may miss the corner of an activation or of a maximum.
func difference(ref *network[float64], v *float64, d float64) (slope float64) {
	x := *v
	for _, h := range []float64{1e-5, 1e-6, 1e-7} {
		*v = x + h
		up := ref.loss()
		*v = x - h
		down := ref.loss()
		*v = x
		if slope = (up - down) / (2 * h); math.Abs(slope-d) < 1e-7*(math.Abs(d)+1e-2) {
			break
		}
	}
	return slope
}

// TestGradients compares the gradients of layers and kernels, for all sets of kernels, with those of the reference.
func TestGradients(t *testing.T) {
	all := tested(t)
	for _, set := range kernels.Supported() {
		s, err := kernels.ByName(set)
		if err != nil {
			t.Fatal(err)
		}
		team := newTeam(s, 2)
		defer team.close()
		for name, n := range all {
			r := rand.New(rand.NewPCG(1, 2))
			w := uneven(r, n)
			batch, labels := batchOf(r, n, testImages)
			ref := newNetwork[float64](n, w, batch, labels, testSmoothing)
			loss := ref.gradients()
			m, err := compile(n, s, testImages)
			if err != nil {
				t.Fatal(err)
			}
			m.setWeights(w)
			m.track = func(int, float64) {}
			got, _ := m.gradients(team, loadOf(batch), func(i int) int { return labels[i] }, testSmoothing)
			m.reduce(team, m.chunks())
			if math.Abs(got-loss) > 1e-5*loss {
				t.Errorf("%s, %s: loss %g, want %g", set, name, got, loss)
			}
			for _, p := range m.params {
				if e := apart(m.grads[0][p.at:][:p.n], ref.dParams[p.node][p.index]); !(e <= 1e-4) {
					t.Errorf("%s, %s: the gradient by %s of %s differs by %.2g", set, name, n.Params(p.node)[p.index].Name,
						n.Nodes[p.node].Name, e)
				}
			}
		}
	}
}

// TestLossGradient compares the gradient of the loss with finite differences.
func TestLossGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, smoothing := range []float64{0, 0.1, 0.5} {
		logits, d := make([]float64, 7), make([]float64, 7)
		for i := range logits {
			logits[i] = 3 * r.NormFloat64()
		}
		crossEntropy(d, logits, 4, smoothing, 1)
		for i := range logits {
			x := logits[i]
			at := func(v float64) float64 {
				logits[i] = v
				l, _ := crossEntropy(make([]float64, 7), logits, 4, smoothing, 1)
				return l
			}
			const h = 1e-5
			e := (at(x+h)-at(x-h))/(2*h) - d[i]
			if logits[i] = x; math.Abs(e) > 1e-6*math.Abs(d[i])+1e-9 {
				t.Errorf("smoothing %g, logit %d: differs by %.2g of %g", smoothing, i, e, d[i])
			}
		}
	}
}

// TestWorkers wants the same gradients, to the bit, from one worker and from several.
func TestWorkers(t *testing.T) {
	for name, n := range networks(t) {
		r := rand.New(rand.NewPCG(3, 4))
		single, labels := batchOf(r, n, 24)
		var want []float32
		for _, workers := range []int{1, 2, 3, 8} {
			set := kernels.Best()
			m, err := compile(n, set, 24)
			if err != nil {
				t.Fatal(err)
			}
			m.setWeights(blocks.NewWeights(n, 3))
			m.track = func(int, float64) {}
			team := newTeam(set, workers)
			m.gradients(team, loadOf(single), func(i int) int { return labels[i] }, 0)
			m.reduce(team, m.chunks())
			team.close()
			if want == nil {
				want = m.grads[0]
			} else if !slices.Equal(want, m.grads[0]) {
				t.Errorf("%s: %d workers find other gradients than one", name, workers)
			}
		}
	}
}
