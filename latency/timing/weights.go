package timing

import (
	"math/rand/v2"
	"slices"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/blocks/quant"
)

// normals are standard normal values, to be repeated: drawing each of some
// million weights anew would take longer than timing the network.
var normals = func() []float32 {
	r := rand.New(rand.NewPCG(0x6c6174, 0))
	v := make([]float32, 1<<14)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}()

// WeightMemory is memory for the weights of one network after the other. The zero value has no room yet.
type WeightMemory struct {
	data []float32
	used int
}

// begin frees all tensors and makes room for n values.
func (a *WeightMemory) begin(n int) {
	if len(a.data) < n {
		a.data = nil // let go of it first
		a.data = make([]float32, n)
	}
	a.used = 0
}

// take returns the next n values, which may hold anything.
func (a *WeightMemory) take(n int) []float32 {
	t := a.data[a.used : a.used+n : a.used+n]
	a.used += n
	return t
}

// RandomInput is a network's input of n standard normal values.
func RandomInput(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = normals[i&(len(normals)-1)]
	}
	return v
}

// RandomWeights are random weights by He's rule. So that they need little memory
// beside the packed ones, layers that batch normalisation follows have their
// values from the network's longest tensor, and its scale makes up for the
// difference in fan-in.
func RandomWeights(n *blocks.Network) *blocks.Weights { return new(WeightMemory).Random(n) }

// Random is [RandomWeights] in this memory, until its next use.
func (a *WeightMemory) Random(n *blocks.Network) *blocks.Weights {
	readers := n.Consumers()
	var long blocks.Param
	room := 0 // for all values that are not shared
	for i := range n.Nodes {
		for _, p := range n.Params(i) {
			if p.Init == blocks.InitHe && p.Len() > long.Len() {
				long = p
			}
			if p.Init != blocks.InitHe || !followedByNorm(n, readers, i) {
				room += p.Len()
			}
		}
	}
	a.begin(room + long.Len())
	at := 0
	draw := func(p blocks.Param) []float32 {
		t, std := a.take(p.Len()), p.HeSD()
		for j := range t {
			t[j] = std * normals[(at+j)&(len(normals)-1)]
		}
		at += len(t) + 1
		return t
	}
	shared := draw(long)
	w := blocks.EmptyWeights(n)
	scale := float32(1) // of the next node, if it is batch normalisation
	for i := range n.Nodes {
		normalised := followedByNorm(n, readers, i)
		one, next := scale, float32(1)
		var ts [][]float32
		for _, p := range n.Params(i) {
			var t []float32
			switch {
			case p.Init == blocks.InitHe && normalised:
				t, next = shared[:p.Len():p.Len()], p.HeSD()/long.HeSD()
			case p.Init == blocks.InitHe && p.Len() == long.Len() && p.FanIn == long.FanIn:
				t = shared
			case p.Init == blocks.InitHe:
				t = draw(p)
			default:
				t = a.take(p.Len())
				fill := float32(0)
				if p.Init == blocks.InitOne {
					fill, one = one, 1 // the variance stays
				}
				for j := range t {
					t[j] = fill
				}
			}
			ts = append(ts, t)
		}
		if ts != nil {
			w.Set(i, ts)
		}
		scale = next
	}
	return w
}

// followedByNorm reports whether batch normalisation alone reads node i.
func followedByNorm(n *blocks.Network, readers [][]int, i int) bool {
	if len(readers[i]) != 1 || readers[i][0] != i+1 {
		return false
	}
	_, ok := n.Nodes[i+1].Op.(*blocks.BatchNorm)
	return ok
}

// randomBytes are weights of 8 bits, to be repeated.
var randomBytes = func() []int8 {
	v := make([]int8, len(normals))
	for i, x := range normals {
		v[i] = int8(max(-127, min(40*x, 127)))
	}
	return v
}()

// RandomIntegers is a network of 8-bit integers with n's ops and random weights, node by
// node: batch normalisations are part of the layers before them, and all grids are alike.
// What it computes is of no use, but it takes the time of any quantised form of n, because
// the time of kernels on integers does not depend on values.
func RandomIntegers(n *blocks.Network) *quant.Network {
	q := &quant.Network{Net: n, Nodes: make([]quant.Node, len(n.Nodes))}
	grid := integer.Grid{Scale: 1. / 32, Low: -128, High: 127}
	table := make([]int32, grid.High-grid.Low+1)
	for i := range table {
		table[i] = grid.Low + int32(i)
	}
	longest := 0
	for i := range n.Nodes {
		for _, p := range n.Params(i) {
			longest = max(longest, p.Len())
		}
	}
	bytes, zeros := make([]int8, longest), make([]int32, longest)
	for i := 0; i < longest; i += len(randomBytes) {
		copy(bytes[i:], randomBytes)
	}
	readers := n.Consumers()
	for i := range n.Nodes {
		nd := &q.Nodes[i]
		nd.Grid = grid
		switch n.Nodes[i].Op.(type) {
		case *blocks.Activation:
			nd.Table = table
			if k := clampedLayer(n, readers, i); k >= 0 {
				q.Nodes[k].Grid = integer.Grid{}
			}
		case *blocks.Conv, *blocks.Linear, *blocks.ChannelConv:
			k := n.Params(i)[0].Len()
			nd.Layer = &quant.Layer{Q: bytes[:k:k], Scale: []float32{1. / 256}, Bias: zeros[:n.Nodes[i].Shape.C]}
		default:
			nd.Float = i > 0 && !quant.HasIntegers(n, i)
			if nd.Float && q.Weights == nil && n.Nodes[i].Op.Kind() != "bn" {
				q.Weights = RandomWeights(n)
			}
		}
	}
	return q
}

// clampedLayer returns the layer or the addition that activation i of n is limits of, -1 for another activation.
func clampedLayer(n *blocks.Network, readers [][]int, i int) int {
	f := n.Nodes[i].Op.(*blocks.Activation).Func
	if f != blocks.ReLU && f != blocks.ReLU6 {
		return -1
	}
	for k := n.Nodes[i].Inputs[0]; len(readers[k]) == 1 && !slices.Contains(n.Outputs, k); k = n.Nodes[k].Inputs[0] {
		switch n.Nodes[k].Op.(type) {
		case *blocks.Conv, *blocks.Linear:
			return k
		case *blocks.Add: // of more than two, no kernel
			if len(n.Nodes[k].Inputs) == 2 {
				return k
			}
			return -1
		case *blocks.BatchNorm:
		default:
			return -1
		}
	}
	return -1
}
