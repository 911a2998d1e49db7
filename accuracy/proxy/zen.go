package proxy

import (
	"context"
	"errors"
	"math"

	"nas/blocks"
	"nas/blocks/engine"
)

// zen scores a network by how much its last map moves when its input moves a
// little, with random weights (Lin, Wang, Sun et al., Zen-NAS: A Zero-Shot NAS
// for High-Performance Image Recognition, ICCV 2021, algorithm 1):
//
//	score = log mean |f(x) - f(x + 0.01 e)| + sum over layers of log(scale removed by the normalisation)
//
// x and e are standard normal, the mean is over inputs of the L1 distance, and f
// is the network up to its last map without residual connections and gates. The
// authors draw weights from N(0, 1), normalise, and add back the logarithms of
// what the normalisations took away. Here nothing is taken away: f has no
// normalisation, weights follow He's rule, whose scale stays near one, and the
// layers add 0.5 log(fan-in/2), the scale between the two draws. For ReLU,
// whose output scales with its input, that is the same score up to the
// difference between one scale for a layer and one for each channel.
func zen(ctx context.Context, n *blocks.Network, settings Settings, _ *Memo) (float64, error) {
	s := settings.Zen.resolved(zenBatch)
	if err := s.check(1); err != nil {
		return 0, err
	}
	small, err := runnable(n, s.Fraction)
	if err != nil {
		return 0, err
	}
	plain, err := withoutShortcuts(small)
	if err != nil {
		return 0, err
	}
	// Each input is run twice, the second time moved a little.
	input := func(normal func(n int) []float32) []float32 {
		half := s.Batch * plain.Input().Elems()
		x := normal(2 * half)
		in := make([]float32, 2*half)
		copy(in, x[:half])
		for i := range half {
			in[half+i] = x[i] + 0.01*x[half+i]
		}
		return in
	}
	out, err := runRandom(ctx, plain, settings.Seed, engine.Options{Batch: 2 * s.Batch}, input)
	if err != nil {
		return 0, err
	}
	move, m := 0.0, len(out)/2
	for i := range m {
		move += math.Abs(float64(out[i]) - float64(out[m+i]))
	}
	if move == 0 {
		return 0, errors.New("the last map does not depend on the input")
	}
	score := math.Log(move / float64(s.Batch))
	for i := 1; i < len(plain.Nodes); i++ {
		if f := fanIn(plain, i, plain.Nodes[i].Op); f > 0 {
			score += 0.5 * math.Log(f/2)
		}
	}
	return score, nil
}

// withoutShortcuts returns n with normalisations, residual sums and gates taken
// out: a sum keeps its latest input, the main path, a product the one that is
// gated. What nobody reads any more goes with them.
func withoutShortcuts(n *blocks.Network) (*blocks.Network, error) {
	from := make([]int, len(n.Nodes)) // the node that stands for each
	for i := range n.Nodes {
		from[i] = i
		nd := &n.Nodes[i]
		switch nd.Op.(type) {
		case *blocks.BatchNorm, *blocks.Mul:
			from[i] = from[nd.Inputs[0]]
		case *blocks.Add:
			latest := nd.Inputs[0]
			for _, j := range nd.Inputs {
				latest = max(latest, j)
			}
			from[i] = from[latest]
		}
	}
	read := make([]bool, len(n.Nodes))
	read[from[len(n.Nodes)-1]] = true
	for i := len(n.Nodes) - 1; i > 0; i-- {
		if read[i] {
			for _, j := range n.Nodes[i].Inputs {
				read[from[j]] = true
			}
		}
	}
	read[0] = true
	plain := &blocks.Network{Name: n.Name}
	at := make([]int, len(n.Nodes))
	for i, nd := range n.Nodes {
		if !read[i] || from[i] != i {
			continue
		}
		at[i] = len(plain.Nodes)
		inputs := make([]int, len(nd.Inputs))
		for k, j := range nd.Inputs {
			inputs[k] = at[from[j]]
		}
		nd.Inputs = inputs
		plain.Nodes = append(plain.Nodes, nd)
	}
	return plain, plain.Infer()
}

const zenBatch = 16 // by default

func init() {
	register(Proxy{Name: "zen", Label: "Zen score", Blind: []Trait{SE, Dilation}, compute: zen,
		describe: func(s Settings) string { return s.Zen.resolved(zenBatch).spell(s.Seed) },
	})
}
