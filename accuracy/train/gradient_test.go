package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// batchOf are images and labels for a network, in both precisions.
func batchOf(r *rand.Rand, n *blocks.Network, images int) (single [][]float32, double [][]float64, labels []int) {
	for range images {
		x, y := make([]float32, n.Input().Elems()), make([]float64, n.Input().Elems())
		for i := range x {
			x[i] = float32(r.NormFloat64())
			y[i] = float64(x[i])
		}
		single, double, labels = append(single, x), append(double, y), append(labels, r.IntN(n.Output().C))
	}
	return single, double, labels
}

// loadOf is what gives a batch to a model.
func loadOf(batch [][]float32) func(w *worker, s span, dst []float32) {
	return func(_ *worker, s span, dst []float32) {
		for i := range s.n {
			copy(dst[i*len(batch[0]):], batch[s.first+i])
		}
	}
}

// TestGradients compares the gradients of whole networks, for all sets of kernels, with finite differences of the
// reference in float64.
func TestGradients(t *testing.T) {
	const images, smoothing, h = 8, 0.1, 1e-5
	kinds := map[string]bool{}
	for name, n := range networks(t) {
		for _, nd := range n.Nodes[1:] {
			kinds[nd.Op.Kind()] = true
		}
		r := rand.New(rand.NewPCG(1, 2))
		w := blocks.NewWeights(n, 3)
		params := make([][][]float64, len(n.Nodes))
		for i := range n.Nodes {
			for k, v := range w.Node(i) {
				for c := range v {
					v[c] += float32(0.1 * r.NormFloat64()) // no batch normalisation is plain
				}
				params[i] = append(params[i], nil)
				for _, x := range v {
					params[i][k] = append(params[i][k], float64(x))
				}
			}
		}
		single, double, labels := batchOf(r, n, images)
		f := func() float64 { return reference(n, params, double, labels, smoothing) }
		loss, slopes := f(), map[[3]int]float64{} // by node, tensor and place
		for i := range params {
			for k, v := range params[i] {
				for range min(6, len(v)) {
					at := r.IntN(len(v))
					x := v[at]
					v[at] = x + h
					up := f()
					v[at] = x - h
					down := f()
					v[at] = x
					slopes[[3]int{i, k, at}] = (up - down) / (2 * h)
				}
			}
		}
		for _, set := range kernels.Supported() {
			t.Run(name+"/"+set, func(t *testing.T) {
				s, err := kernels.ByName(set)
				if err != nil {
					t.Fatal(err)
				}
				m, err := compile(n, s, images)
				if err != nil {
					t.Fatal(err)
				}
				m.setWeights(w)
				m.track = func(int, float64) {}
				team := newTeam(s, 2)
				defer team.close()
				got, _ := m.gradients(team, loadOf(single), func(i int) int { return labels[i] }, smoothing)
				m.reduce(team, m.chunks())
				if math.Abs(got-loss) > 1e-5*loss {
					t.Fatalf("loss %g, want %g", got, loss)
				}
				for _, p := range m.params {
					var far, all float64
					for at, d := range slopes {
						if at[0] == p.node && at[1] == p.index {
							e := float64(m.grads[0][p.at+at[2]]) - d
							far, all = far+e*e, all+d*d
						}
					}
					// A gradient that vanishes, such as that by a bias before a batch normalisation, is no more than rounding.
					if e := math.Sqrt(far) / (math.Sqrt(all) + 1e-3); e > 1e-4 {
						t.Errorf("%s of %s: the gradient differs by %.2g", n.Params(p.node)[p.index].Name, n.Nodes[p.node].Name, e)
					}
				}
			})
		}
	}
	for k := range lowerings {
		if !kinds[k] {
			t.Errorf("no network has op %q", k)
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
		single, _, labels := batchOf(r, n, 24)
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
