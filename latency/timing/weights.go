package timing

import (
	"math/rand/v2"

	"nas/blocks"
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
func RandomWeights(n *blocks.Network) *blocks.Weights {
	readers := n.Consumers()
	var long blocks.Param
	for i := range n.Nodes {
		for _, p := range n.Params(i) {
			if p.Init == blocks.InitHe && p.Len() > long.Len() {
				long = p
			}
		}
	}
	at := 0
	draw := func(p blocks.Param) []float32 {
		t, std := make([]float32, p.Len()), p.HeSD()
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
		normalised := len(readers[i]) == 1 && readers[i][0] == i+1 && isNorm(n, i+1)
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
				t = make([]float32, p.Len())
				if p.Init == blocks.InitOne {
					for j := range t {
						t[j] = one
					}
					one = 1 // the variance stays
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

func isNorm(n *blocks.Network, i int) bool {
	_, ok := n.Nodes[i].Op.(*blocks.BatchNorm)
	return ok
}
