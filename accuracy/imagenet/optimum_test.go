package imagenet

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"

	"nas/accuracy/features"
	"nas/blocks"
)

// genome is a MobileNet-like network for the optimiser of this test.
type genome struct {
	res, act int
	stage    [7]struct{ width, depth, expansion, kernel, se int }
}

// optStages are the widths and strides of MnasNet's stages.
var optStages = [7]struct{ out, stride int }{{16, 1}, {24, 2}, {40, 2}, {80, 2}, {112, 1}, {192, 2}, {320, 1}}

var (
	optWidths     = []float64{0.5, 0.75, 1, 1.25, 1.5}
	optExpansions = []int{1, 2, 3, 4, 6, 8}
)

func (g *genome) random(r *rand.Rand) {
	g.res, g.act = r.IntN(6), r.IntN(2)
	for s := range g.stage {
		g.mutate(r, s)
	}
}

func (g *genome) mutate(r *rand.Rand, s int) {
	st := &g.stage[s]
	st.width, st.depth, st.expansion, st.kernel, st.se = r.IntN(5), r.IntN(6), r.IntN(6), r.IntN(3), r.IntN(2)
}

func (g *genome) network(t *testing.T) *blocks.Network {
	res := 128 + 32*g.res
	act := []blocks.ActFunc{blocks.ReLU, blocks.HSwish}[g.act]
	b := blocks.NewBuilder("optimum", blocks.Shape{H: res, W: res, C: 3})
	stem := blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: act}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	for s, st := range g.stage {
		for l := range st.depth + 1 {
			in := b.Shape(x).C
			m := blocks.InvertedResidual{Out: blocks.MakeDivisible(float64(optStages[s].out)*optWidths[st.width], 8),
				Expanded: in * optExpansions[st.expansion], Kernel: 3 + 2*st.kernel, Act: act}
			if l == 0 {
				m.Stride = optStages[s].stride
			}
			if st.se == 1 {
				m.SE = &blocks.SqueezeExcite{Hidden: max(1, in/4)}
			}
			b.Mark(s+1, l+1)
			x = blocks.Named{Name: "b", Block: m}.Build(b, x)
		}
	}
	b.Mark(8, 0)
	x = blocks.Named{Name: "head", Block: blocks.ConvBNAct{Out: 1280, Act: act}}.Build(b, x)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 1000, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (g genome) String() string {
	s := fmt.Sprintf("res %d act %d", 128+32*g.res, g.act)
	for i, st := range g.stage {
		s += fmt.Sprintf(" | c%d n%d e%d k%d se%d", blocks.MakeDivisible(float64(optStages[i].out)*optWidths[st.width], 8),
			st.depth+1, optExpansions[st.expansion], 3+2*st.kernel, st.se)
	}
	return s
}

// TestOptima maximises the estimate under MACs budgets, as a search does, and
// looks at where that ends.
func TestOptima(t *testing.T) {
	if testing.Short() {
		t.Skip("scores some ten thousand networks")
	}
	for _, budget := range []int64{100e6, 300e6, 600e6} {
		var found []Estimate
		for seed := range uint64(2) {
			r := rand.New(rand.NewPCG(seed, 12))
			type member struct {
				g genome
				s Estimate
			}
			var pop []member
			try := func(g genome) {
				n := g.network(t)
				if n.Counts().MACs > budget {
					return
				}
				pop = append(pop, member{g, estimateOf(t, n)})
			}
			for len(pop) < 60 {
				var g genome
				g.random(r)
				if budget < 200e6 { // random networks hardly fit: start small
					for s := range g.stage {
						g.stage[s].depth, g.stage[s].width = r.IntN(2), r.IntN(3)
					}
					g.res = r.IntN(2)
				}
				try(g)
			}
			for range 60 {
				parents := pop[:60]
				for range 60 {
					a, b := parents[r.IntN(60)], parents[r.IntN(60)]
					g := a.g
					for s := range g.stage {
						if r.IntN(2) == 0 {
							g.stage[s] = b.g.stage[s]
						}
						st := &g.stage[s]
						switch r.IntN(12) {
						case 0:
							st.depth = r.IntN(6)
						case 1:
							st.expansion = r.IntN(6)
						case 2:
							st.width = r.IntN(5)
						case 3:
							st.kernel, st.se = r.IntN(3), r.IntN(2)
						}
					}
					if r.IntN(4) == 0 {
						g.res, g.act = r.IntN(6), r.IntN(2)
					}
					try(g)
				}
				sort.SliceStable(pop, func(i, j int) bool { return pop[i].s.Top1Pct > pop[j].s.Top1Pct })
				pop = pop[:60]
			}
			best := pop[0]
			found = append(found, best.s)
			t.Logf("%d M MACs, seed %d: %.2f %% (%.1f to %.1f) %v", budget/1e6, seed, best.s.Top1Pct, best.s.Low, best.s.High,
				best.g)
			unknown := 0
			for _, st := range best.g.stage {
				if optExpansions[st.expansion] > features.MaxExpansion { // kernels of 7 are in the data
					unknown++
				}
			}
			if unknown > 1 {
				t.Errorf("%d stages of the optimum have what no network of the data has", unknown)
			}
		}
		if d := found[0].Top1Pct - found[1].Top1Pct; d > 1 || d < -1 {
			t.Errorf("%d M MACs: optima of two seeds at %.2f and %.2f, more than a point apart", budget/1e6, found[0].Top1Pct,
				found[1].Top1Pct)
		}
	}
}
