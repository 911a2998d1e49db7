package proxy

import (
	"math/rand/v2"
	"sync"

	"nas/blocks"
	"nas/internal/random"
)

// randomPool hands out random weights and inputs that all candidates share: views
// into two arrays of standard normal numbers. Which of them a layer gets depends on the
// seed and on the layer's position (stage, block, and which layer in it), so that a
// change late in a network does not change the weights before it.
type randomPool struct {
	seed    uint64
	once    sync.Once
	weights []float32

	mu     sync.Mutex
	source *rand.Rand
	inputs []float32 // grows; its prefix never changes
}

// poolSize is the number of random weights; a larger tensor repeats them.
const poolSize = 1 << 21

var pools = struct {
	sync.Mutex
	of map[uint64]*randomPool
}{of: map[uint64]*randomPool{}}

// poolOf returns the pool of a seed, filled once for the process.
func poolOf(seed uint64) *randomPool {
	pools.Lock()
	defer pools.Unlock()
	p := pools.of[seed]
	if p == nil {
		if len(pools.of) > 8 {
			clear(pools.of)
		}
		p = &randomPool{seed: seed}
		pools.of[seed] = p
	}
	return p
}

func normals(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// input returns n standard normal values, the same for every call.
func (p *randomPool) input(n int) []float32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.source == nil {
		p.source = random.Stream(p.seed, "inputs")
	}
	if len(p.inputs) < n {
		grown := make([]float32, len(p.inputs), n)
		copy(grown, p.inputs)
		p.inputs = append(grown, normals(p.source, n-len(p.inputs))...)
	}
	return p.inputs[:n:n]
}

// weightsFor returns weights of n: normal, scaled by He's rule only where no
// normalisation follows (elsewhere the batch statistics undo any scale), zero
// biases, normalisations of scale 1 and shift 0.
func (p *randomPool) weightsFor(n *blocks.Network) *blocks.Weights {
	p.once.Do(func() { p.weights = normals(random.Stream(p.seed, "weights"), poolSize) })
	normalised := make([]bool, len(n.Nodes))
	for i := range n.Nodes {
		if _, ok := n.Nodes[i].Op.(*blocks.BatchNorm); ok {
			normalised[n.Nodes[i].Inputs[0]] = true
		}
	}
	w := blocks.EmptyWeights(n)
	stage, block, layer := -1, -1, 0
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		if nd.Stage != stage || nd.Block != block {
			stage, block, layer = nd.Stage, nd.Block, 0
		}
		params := n.Params(i)
		if len(params) == 0 {
			continue
		}
		tensors := make([][]float32, len(params))
		for k, t := range params {
			switch t.Init {
			case blocks.InitOne:
				tensors[k] = constant(1, t.Len())
			case blocks.InitHe:
				scale := float32(1)
				if !normalised[i] {
					scale = t.HeSD()
				}
				tensors[k] = p.view(uint64(stage)<<40|uint64(block)<<20|uint64(layer), t.Len(), scale)
				layer++
			default:
				tensors[k] = constant(0, t.Len())
			}
		}
		w.Set(i, tensors)
	}
	return w
}

// view returns n weights of the pool, starting at a position that key decides.
func (p *randomPool) view(key uint64, n int, scale float32) []float32 {
	at := int(random.Mix(key^p.seed) % poolSize)
	if at+n > poolSize && n <= poolSize {
		at = int(random.Mix(key^p.seed) % uint64(poolSize-n+1))
	}
	if at+n <= poolSize && scale == 1 {
		return p.weights[at : at+n : at+n]
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = scale * p.weights[(at+i)%poolSize]
	}
	return v
}

// ones and zeros are shared by all normalisations and biases; nobody writes to
// them.
var (
	ones  = filled(1, 1<<14)
	zeros = filled(0, 1<<14)
)

func filled(v float32, n int) []float32 {
	t := make([]float32, n)
	for i := range t {
		t[i] = v
	}
	return t
}

func constant(v float32, n int) []float32 {
	switch {
	case n > len(ones):
		return filled(v, n)
	case v == 0:
		return zeros[:n:n]
	}
	return ones[:n:n]
}
