package proxy

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"nas/blocks"
)

// naiveWOT is the definition: codes as booleans, K counted pair by pair, the
// determinant by LU.
func naiveWOT(layers [][][]float32, batch int) float64 {
	k := mat.NewDense(batch, batch, nil)
	for _, l := range layers {
		for i := range batch {
			for j := range batch {
				for p := range l[i] {
					if (l[i][p] > 0) == (l[j][p] > 0) {
						k.Set(i, j, k.At(i, j)+1)
					}
				}
			}
		}
	}
	v, _ := mat.LogDet(k)
	return v
}

func TestCodesAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const batch = 7
	a := newCodes(batch)
	a.words = new([]uint64)
	var layers [][][]float32
	for _, per := range []int{1, 63, 64, 65, 500, 64 * 40} {
		pre := make([]float32, batch*per)
		var l [][]float32
		for i := range pre {
			if pre[i] = float32(r.NormFloat64()); r.IntN(5) == 0 {
				pre[i] = 0 // not active
			}
		}
		for b := range batch {
			l = append(l, pre[b*per:][:per])
		}
		layers = append(layers, l)
		a.add(pre)
	}
	got, err := a.logDet(0)
	if err != nil {
		t.Fatal(err)
	}
	if want := naiveWOT(layers, batch); math.Abs(got-want) > 1e-3 {
		t.Errorf("log det %v, want %v", got, want)
	}
}

func TestPackSigns(t *testing.T) {
	v := make([]float32, 70)
	for _, i := range []int{0, 63, 64, 69} {
		v[i] = 1
	}
	v[1], v[2], v[3] = -1, math.SmallestNonzeroFloat32, float32(math.Inf(1))
	w := make([]uint64, 2)
	packSigns(w, v)
	if want := uint64(1 | 1<<63 | 1<<2 | 1<<3); w[0] != want || w[1] != 1|1<<5 {
		t.Errorf("packed %x, %x, want %x, %x", w[0], w[1], want, 1|1<<5)
	}
}

// TestNASWOTAgainstReference runs a small network by the ops' readable
// evaluation, with batch statistics written out, and counts by definition.
func TestNASWOTAgainstReference(t *testing.T) {
	b := blocks.NewBuilder("small", blocks.Shape{H: 12, W: 12, C: 3})
	stem := blocks.ConvBNAct{Out: 6, Kernel: 3, Stride: 2, Act: blocks.HSwish}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	b.Mark(1, 1)
	x = blocks.Named{Name: "block", Block: blocks.InvertedResidual{Out: 6, Expanded: 12, Act: blocks.ReLU6,
		SE: &blocks.SqueezeExcite{Hidden: 3}}}.Build(b, x)
	b.Mark(2, 0)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 5, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	const batch, seed = 5, 9
	pool := poolOf(seed)
	w, in := pool.weightsFor(n), pool.input(batch*n.Input().Elems())
	acts := make([][]blocks.Tensor, batch) // of each image, each node
	for k := range acts {
		acts[k] = make([]blocks.Tensor, len(n.Nodes))
		acts[k][0] = blocks.Tensor{Shape: n.Input(), Data: in[k*n.Input().Elems():][:n.Input().Elems()]}
	}
	var layers [][][]float32
	for i := 1; i < len(n.Nodes); i++ {
		nd := n.Nodes[i]
		params := w.Node(i)
		if _, ok := nd.Op.(*blocks.BatchNorm); ok {
			c := nd.Shape.C
			mean, variance, count := make([]float64, c), make([]float64, c), float64(batch*nd.Shape.Pixels())
			for k := range acts {
				for p, v := range acts[k][nd.Inputs[0]].Data {
					mean[p%c] += float64(v) / count
				}
			}
			for k := range acts {
				for p, v := range acts[k][nd.Inputs[0]].Data {
					variance[p%c] += (float64(v) - mean[p%c]) * (float64(v) - mean[p%c]) / count
				}
			}
			m, s := make([]float32, c), make([]float32, c)
			for j := range c {
				m[j], s[j] = float32(mean[j]), float32(variance[j])
			}
			params = [][]float32{params[0], params[1], m, s}
		}
		op, isAct := nd.Op.(*blocks.Activation)
		var layer [][]float32
		for k := range acts {
			var src []blocks.Tensor
			for _, j := range nd.Inputs {
				src = append(src, acts[k][j])
			}
			acts[k][i] = blocks.Tensor{Shape: nd.Shape, Data: make([]float32, nd.Shape.Elems())}
			nd.Op.Eval(acts[k][i], src, params)
			layer = append(layer, src[0].Data)
		}
		if isAct && bends(op.Func) && !nd.Shape.IsVector() {
			layers = append(layers, layer)
		}
	}
	if len(layers) != 3 {
		t.Fatalf("%d layers of signs, want 3", len(layers))
	}
	c, err := codesOf(t.Context(), n, Settings{Seed: seed, NASWOT: Sampling{batch, 1}}, new(Memo))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.logDet(0)
	if err != nil {
		t.Fatal(err)
	}
	if want := naiveWOT(layers, batch); math.Abs(got-want) > 0.02 {
		t.Errorf("score %v, want %v", got, want)
	}
}

// TestNASWOTSeesResolution: the network runs at a fraction of its resolution.
func TestNASWOTSeesResolution(t *testing.T) {
	small := Settings{NASWOT: Sampling{Batch: 8}}
	coarse := score(t, "naswot", network(t, "mobilenet_v2@width=0.35,res=96"), small)
	fine := score(t, "naswot", network(t, "mobilenet_v2@width=0.35,res=160"), small)
	if !(fine > coarse) {
		t.Errorf("scores %v at 160 pixels, %v at 96", fine, coarse)
	}
}

// TestMemo: the relatives of naswot share one run of a network, and score as alone.
func TestMemo(t *testing.T) {
	n, small := network(t, "mobilenet_v3_small@res=96"), Settings{NASWOT: Sampling{Batch: 8}}
	var memo Memo
	for _, name := range []string{"naswot", "naswot_sqrt", "naswot_even", "naswot_spread"} {
		before := memo.codes
		p, _ := LookUp(name)
		got, err := p.Score(t.Context(), n, small, &memo)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && memo.codes != before {
			t.Errorf("%s ran the network again", name)
		}
		if alone := score(t, name, n, small); got != alone {
			t.Errorf("%s is %v beside others, %v alone", name, got, alone)
		}
	}
	other := small
	other.Seed++
	p, _ := LookUp("naswot")
	if v, err := p.Score(t.Context(), n, other, &memo); err != nil || v != score(t, "naswot", n, other) {
		t.Errorf("with another seed %v (%v), alone %v", v, err, score(t, "naswot", n, other))
	}
}

// BenchmarkNASWOT scores MobileNetV2 by 64 inputs of 64 x 64, on one thread:
// what testdata/naswot_pytorch.py times in PyTorch.
func BenchmarkNASWOT(b *testing.B) {
	n := network(b, "mobilenet_v2")
	for b.Loop() {
		score(b, "naswot", n, Settings{NASWOT: Sampling{Batch: 64}})
	}
}
