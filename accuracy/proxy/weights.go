package proxy

import (
	"math"
	"math/rand/v2"
	"sync"

	"nas/blocks"
)

// drawer hands out random weights and inputs that all candidates share: views
// into two pools of standard normal numbers. Which part a layer gets depends on
// the seed and on the layer's place (stage, block, and which layer in it), so
// that a change late in a network does not redraw what lies before it.
type drawer struct {
	seed    uint64
	once    sync.Once
	weights []float32

	mu     sync.Mutex
	source *rand.Rand
	inputs []float32 // grows; its prefix never changes
}

// weightPool is the number of weights drawn; a larger tensor repeats them.
const weightPool = 1 << 21

var (
	drawersMu sync.Mutex
	drawers   = map[uint64]*drawer{}
)

// drawerOf returns the pools of a seed, drawn once for the process.
func drawerOf(seed uint64) *drawer {
	drawersMu.Lock()
	defer drawersMu.Unlock()
	d := drawers[seed]
	if d == nil {
		if len(drawers) > 8 {
			clear(drawers)
		}
		d = &drawer{seed: seed}
		drawers[seed] = d
	}
	return d
}

func normals(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// input returns n standard normal values, the same for every call.
func (d *drawer) input(n int) []float32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == nil {
		d.source = rand.New(rand.NewPCG(d.seed, 2))
	}
	if len(d.inputs) < n {
		grown := make([]float32, len(d.inputs), n)
		copy(grown, d.inputs)
		d.inputs = append(grown, normals(d.source, n-len(d.inputs))...)
	}
	return d.inputs[:n:n]
}

// weightsFor returns weights of n: normal, scaled by He's rule only where no
// normalisation follows (elsewhere the batch statistics undo any scale), zero
// biases, normalisations of scale 1 and shift 0.
func (d *drawer) weightsFor(n *blocks.Network) *blocks.Weights {
	d.once.Do(func() { d.weights = normals(rand.New(rand.NewPCG(d.seed, 3)), weightPool) })
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
		ps := n.Params(i)
		if len(ps) == 0 {
			continue
		}
		ts := make([][]float32, len(ps))
		for k, p := range ps {
			switch p.Init {
			case blocks.InitOne:
				ts[k] = constant(1, p.Len())
			case blocks.InitHe:
				scale := float32(1)
				if !normalised[i] {
					scale = float32(math.Sqrt(2 / float64(max(p.FanIn, 1))))
				}
				ts[k] = d.view(uint64(stage)<<40|uint64(block)<<20|uint64(layer), p.Len(), scale)
				layer++
			default:
				ts[k] = constant(0, p.Len())
			}
		}
		w.Set(i, ts)
	}
	return w
}

// view returns n weights from a place in the pool that key decides.
func (d *drawer) view(key uint64, n int, scale float32) []float32 {
	at := int(mix(key^d.seed) % weightPool)
	if at+n > weightPool && n <= weightPool {
		at = int(mix(key^d.seed) % uint64(weightPool-n+1))
	}
	if at+n <= weightPool && scale == 1 {
		return d.weights[at : at+n : at+n]
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = scale * d.weights[(at+i)%weightPool]
	}
	return v
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
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
