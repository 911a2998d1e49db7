package blocks

import (
	"math"
	"math/rand/v2"
	"testing"
)

// unsettle gives every batch normalisation of n statistics of its own.
func unsettle(n *Network, w *Weights, r *rand.Rand) {
	for i, nd := range n.Nodes {
		if _, ok := nd.Op.(*BatchNorm); !ok {
			continue
		}
		for k, t := range w.Node(i) {
			for c := range t {
				t[c] = float32(r.NormFloat64())
				if k == 0 || k == 3 {
					t[c] = 0.5 + r.Float32()
				}
			}
		}
	}
}

func TestFoldBatchNormKeepsTheFunction(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	n := build(t, Shape{9, 8, 3}, func(b *Builder, x Value) {
		x = b.Apply("first", &BatchNorm{}, x) // follows no layer: stays
		x = ConvBNAct{Out: 8, Kernel: 3, Act: HSwish, Epsilon: 1e-3}.Build(b, x)
		x = InvertedResidual{Out: 8, Expanded: 24, Act: ReLU6, SE: &SqueezeExcite{Hidden: 4}}.Build(b, x)
		y := b.Apply("shared", &Conv{Out: 8, Kernel: [2]int{1, 1}, Bias: true}, x)
		z := b.Apply("late", &BatchNorm{}, y) // its layer is read twice: stays
		x = b.Apply("add", &Add{}, y, z)
		x = b.Apply("fc", &Linear{Out: 6, Bias: true}, x)
		x = b.Apply("bn", &BatchNorm{}, x)
		b.Apply("factors", &Affine{Scale: -2, Shifts: true}, x) // goes into the layer, too
	})
	w := NewWeights(n, 3)
	unsettle(n, w, r)
	m, v := FoldBatchNorm(n, w)
	if err := m.Infer(); err != nil {
		t.Fatal(err)
	}
	if err := v.Check(m); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, nd := range m.Nodes {
		if nd.Op.Kind() == "bn" {
			left = append(left, nd.Name)
		}
	}
	if len(left) != 2 || left[0] != "first" || left[1] != "late" {
		t.Errorf("batch normalisations left: %v, want first and late", left)
	}
	x := noise(n.Input(), r).Data
	a, err := n.Eval(w, x)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Eval(v, x)
	if err != nil {
		t.Fatal(err)
	}
	want, got := a[len(a)-1].Data, b[len(b)-1].Data
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-4 {
			t.Fatalf("folded: %v, want %v", got, want)
		}
	}
}
