package int8loss

import (
	"cmp"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/tflite"
	"nas/blocks/zoo"
)

// noise returns images of the normal distribution.
func noise(s blocks.Shape, n int) [][]float32 {
	r := rand.New(rand.NewPCG(5, 81))
	list := make([][]float32, n)
	for i := range list {
		list[i] = make([]float32, s.Elems())
		for k := range list[i] {
			list[i][k] = float32(r.NormFloat64())
		}
	}
	return list
}

// folded returns a network of the zoo with random weights and without batch normalisation.
func folded(t *testing.T, name string, seed uint64) (*blocks.Network, *blocks.Weights) {
	t.Helper()
	n, err := zoo.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, seed)
	if err := engine.CalibrateBN(n, w, seed); err != nil {
		t.Fatal(err)
	}
	return blocks.FoldBatchNorm(n, w)
}

// pair are two convolutions with an activation between them.
type pair struct{ first, act, second int }

// pairsOf finds those in which every channel between the two has weights before and after.
func pairsOf(n *blocks.Network, f blocks.ActFunc) (list []pair) {
	readers := n.Consumers()
	for i, nd := range n.Nodes {
		if _, ok := nd.Op.(*blocks.Conv); !ok || len(readers[i]) != 1 {
			continue
		}
		a := readers[i][0]
		act, ok := n.Nodes[a].Op.(*blocks.Activation)
		if !ok || act.Func != f || len(readers[a]) != 1 {
			continue
		}
		if _, ok := n.Nodes[readers[a][0]].Op.(*blocks.Conv); ok {
			list = append(list, pair{i, a, readers[a][0]})
		}
	}
	return list
}

// spoiler makes the first layer of a pair bad for integers. It changes weights in place.
type spoiler func(n *blocks.Network, w *blocks.Weights, p pair, r *rand.Rand) (*blocks.Network, *blocks.Weights)

// factor is a spoiler that multiplies channels, one of them by one and the others by others.
func factor(one, others float32) spoiler {
	return func(n *blocks.Network, w *blocks.Weights, p pair, r *rand.Rand) (*blocks.Network, *blocks.Weights) {
		c := alive(n, w, p, r)
		return scaled(n, w, p, func(k int) float32 {
			if k == c {
				return one
			}
			return others
		})
	}
}

// alive returns a channel between a pair that is not always 0: one of the half with the largest values.
func alive(n *blocks.Network, w *blocks.Weights, p pair, r *rand.Rand) int {
	run, err := engine.Activations(n, w)
	if err != nil {
		panic(err)
	}
	acts, err := run(noise(n.Input(), 1)[0])
	if err != nil {
		panic(err)
	}
	c := n.Nodes[p.act].Shape.C
	most, order := make([]float32, c), make([]int, c)
	for i, v := range acts[p.act] {
		most[i%c], order[i%c] = max(most[i%c], v), i%c
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(most[b], most[a]) })
	return order[r.IntN((c+1)/2)]
}

// spoil are several ways. Factors behind the activation take back what the layer does.
var spoil = map[string]spoiler{
	"a channel a thousand times as large":    factor(1000, 1),
	"all channels but one with a tiny scale": factor(1, 1./1024),
	"activations far outside in a channel that the next layer does not read": func(
		n *blocks.Network, w *blocks.Weights, p pair, r *rand.Rand,
	) (*blocks.Network, *blocks.Weights) {
		c := r.IntN(n.Nodes[p.first].Shape.C)
		w.Node(p.first)[1][c] += 3000
		reading(n, w, p.second, c, func(v *float32) { *v = 0 })
		return n, w
	},
}

// scaled multiplies channels by factors in the first layer of a pair, and divides by them behind its activation.
func scaled(
	n *blocks.Network, w *blocks.Weights, p pair, factor func(c int) float32,
) (*blocks.Network, *blocks.Weights) {
	outs := n.Nodes[p.first].Shape.C
	for _, ts := range w.Node(p.first) {
		for i := range ts {
			ts[i] *= factor(i % outs)
		}
	}
	back := make([]float32, outs)
	for c := range back {
		back[c] = 1 / factor(c)
	}
	m, v := &blocks.Network{Name: n.Name}, [][][]float32{}
	at := make([]int, len(n.Nodes))
	for i, nd := range n.Nodes {
		inputs := make([]int, len(nd.Inputs))
		for k, j := range nd.Inputs {
			inputs[k] = at[j]
		}
		nd.Inputs = inputs
		m.Nodes, v, at[i] = append(m.Nodes, nd), append(v, w.Node(i)), len(m.Nodes)
		if i == p.act {
			op := &blocks.Affine{Scale: 1, Scales: true}
			m.Nodes = append(m.Nodes, blocks.Node{Name: "back", Op: op, Inputs: []int{at[i]}, Shape: nd.Shape})
			v = append(v, [][]float32{back})
			at[i]++
		}
	}
	for _, i := range n.Returned() {
		m.Outputs = append(m.Outputs, at[i])
	}
	all := blocks.EmptyWeights(m)
	for i, ts := range v {
		all.Set(i, ts)
	}
	return m, all
}

// reading calls f with each weight by which a convolution reads channel c.
func reading(n *blocks.Network, w *blocks.Weights, node, c int, f func(v *float32)) {
	op := n.Nodes[node].Op.(*blocks.Conv)
	each := n.InShapes(node)[0].C / op.G()
	part := op.Out / op.G()
	ts := w.Node(node)[0]
	for t := range len(ts) / op.Out / each {
		for k := range part {
			f(&ts[(t*each+c%each)*op.Out+c/each*part+k])
		}
	}
}

// unbounded turns ReLU6 into ReLU, which a factor passes.
func unbounded(n *blocks.Network) *blocks.Network {
	c := *n
	c.Nodes = slices.Clone(n.Nodes)
	for i, nd := range c.Nodes {
		if a, ok := nd.Op.(*blocks.Activation); ok && a.Func == blocks.ReLU6 {
			c.Nodes[i].Op = &blocks.Activation{Func: blocks.ReLU}
		}
	}
	return &c
}

// bad are networks in which a layer is spoilt.
var bad = []string{
	"mobilenet_v1@width=0.25,res=64,classes=10", "mobilenet_v2@width=0.35,res=64,classes=10",
	"mobilenet_v3_small_minimalistic@width=0.5,res=64,classes=10", "ds_cnn", "mnasnet_b1@width=0.35,res=64,classes=10",
	"mobilenet_v4_conv_small@width=0.5,res=64,classes=10", "efficientnet_lite0@width=0.35,res=64,classes=10",
	"proxyless_mobile@width=0.35,res=64,classes=10", "fbnet_c@width=0.35,res=64,classes=10",
	"shufflenet_v2@width=0.5,res=64,classes=10",
}

// TestNamesTheBadLayer spoils a layer of each network, in all ways, and wants it first in the report.
// NAS_INT8_LAYERS=10 spoils as many layers of each network.
func TestNamesTheBadLayer(t *testing.T) {
	layers, networks := 1, bad[:4]
	if k, err := strconv.Atoi(os.Getenv("NAS_INT8_LAYERS")); err == nil {
		layers, networks = k, bad
	}
	r := rand.New(rand.NewPCG(7, 82))
	named, all := 0, 0
	for i, name := range networks {
		for k := range layers {
			kinds := []string{}
			for kind := range spoil {
				kinds = append(kinds, kind)
			}
			slices.Sort(kinds)
			if layers > 1 {
				kinds = kinds[k%len(kinds):][:1]
			}
			for _, kind := range kinds {
				n, w := folded(t, name, uint64(i))
				n = unbounded(n)
				ps := pairsOf(n, blocks.ReLU)
				p := ps[r.IntN(len(ps))]
				spoilt := n.Nodes[p.first].Name
				n, w = spoil[kind](n, w, p, r)
				o := Options{QuantizeOptions: tflite.QuantizeOptions{Images: noise(n.Input(), 4), PerTensor: (i+k)%2 == 1}}
				rep, err := Of(n, w, o)
				if err != nil {
					t.Fatal(err)
				}
				all++
				if rep.Layers[0].Name == spoilt {
					named++
					continue
				}
				at := slices.IndexFunc(rep.Layers, func(l Layer) bool { return l.Name == spoilt })
				t.Errorf("%s, %s: %s is number %d of %d with %.1f dB, the first is %s with %.1f dB", name, kind,
					spoilt, at+1, len(rep.Layers), rep.Layers[at].OutputDB, rep.Layers[0].Name, rep.Layers[0].OutputDB)
			}
		}
	}
	t.Logf("the bad layer is named first in %d of %d", named, all)
}

// TestEdits spoils a layer, and wants the edits that mend it among those that help.
func TestEdits(t *testing.T) {
	for _, c := range []struct {
		network   string
		f         blocks.ActFunc
		perTensor bool
		want      []string
	}{
		{"mobilenet_v1@width=0.25,res=64,classes=10", blocks.ReLU, true,
			[]string{"a scale for each output channel, in the whole network", "equalisation of the whole network"}},
		{"tinynet_e@res=64,classes=10", blocks.Swish, false, []string{"swish to relu6"}},
		{"mobilenet_v3_small@width=0.35,res=64,classes=10", blocks.HSwish, false, []string{"hswish to relu6"}},
	} {
		n, w := folded(t, c.network, 1)
		n = unbounded(n)
		ps := pairsOf(n, c.f)
		p := ps[len(ps)/2]
		n, w = factor(100, 1)(n, w, p, rand.New(rand.NewPCG(1, 2)))
		o := Options{QuantizeOptions: tflite.QuantizeOptions{Images: noise(n.Input(), 4), PerTensor: c.perTensor}, Worst: 1}
		r, err := Of(n, w, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			i := slices.IndexFunc(r.Layers[0].Edits, func(e Edit) bool { return e.What == want })
			if i < 0 || r.Layers[0].Edits[i].GainDB < 1 {
				t.Errorf("%s: the edits of %s are %+v, want %q with a gain", c.network, r.Layers[0].Name, r.Layers[0].Edits, want)
			}
		}
	}
}
