package judge

import (
	"context"
	"math"
	"testing"

	"nas/accuracy"
	"nas/accuracy/benchmark"
	"nas/blocks"
)

// TestSignature: networks that differ in one trait are equal without it, and
// only without it.
func TestSignature(t *testing.T) {
	net := func(act blocks.ActFunc, kernel int, se bool) *blocks.Network {
		m := blocks.InvertedResidual{Kernel: kernel, Act: act}
		if se {
			m.SE = &blocks.SqueezeExcite{Hidden: 8}
		}
		return probe(t, m)
	}
	plain := net(blocks.ReLU, 3, false)
	for _, tt := range []struct {
		other *blocks.Network
		trait accuracy.Trait
	}{{net(blocks.ReLU, 3, true), accuracy.SE}, {net(blocks.ReLU, 5, false), accuracy.KernelSize}} {
		for _, without := range append([]accuracy.Trait{""}, oneThing...) {
			if got, want := signature(plain, without) == signature(tt.other, without), without == tt.trait; got != want {
				t.Errorf("%s differs; without %q the networks are equal: %v, want %v", tt.trait, without, got, want)
			}
		}
	}
	if signature(plain) != signature(net(blocks.ReLU, 3, false)) {
		t.Error("one network has two signatures")
	}
}

func TestPairsByHand(t *testing.T) {
	n := probe(t, blocks.InvertedResidual{Act: blocks.ReLU})
	rows := []benchmark.Row{
		{ID: "a", MACs: 100, Truth: 70, Network: n}, {ID: "b", MACs: 109, Truth: 71, Network: n},
		{ID: "c", MACs: 111, Truth: 69, Network: n},
		{ID: "d", MACs: 111, Truth: 60, Network: n, Recipe: "other"}, {ID: "e", MACs: 300, Truth: 80, Network: n},
	}
	// a-b right, b-c wrong; a-c are 11 % apart, d is of another recipe.
	p := nearPairs(rows, []float64{1, 2, 3, 4, 5})
	if p.Pairs != 2 || p.RightPct != 50 || p.Tau() != 0 {
		t.Errorf("%+v, want 2 pairs, one right", p)
	}
	if p := nearPairs(rows, []float64{1, 1, 1, 1, 1}); p.RightPct != 50 {
		t.Errorf("ties are %v %% right, want 50", p.RightPct)
	}
	if got, _ := oneThingPairs(rows, scored(1, 2, 3, 4, 5)); len(got) != 0 {
		t.Errorf("one network trained twice gives pairs: %v", got)
	}
}

// TestOneThing: pairs of really trained networks that differ in one thing, of
// families that the estimate was not fitted to. The counts are PP-LCNet's (5
// places of squeeze-and-excite, 4 of large kernels, 2 activations) and one pair
// of MobileNetV2's.
func TestOneThing(t *testing.T) {
	b, err := benchmark.Open("ablations")
	if err != nil {
		t.Fatal(err)
	}
	// Published: 1.9 M parameters and 47 M MACs, 3.89 M parameters.
	for _, r := range b.Rows {
		switch {
		case r.ID == "pplcnet" && (math.Abs(float64(r.Params)/1e6-1.9) > 0.05 || math.Abs(float64(r.MACs)/1e6-47) > 3):
			t.Errorf("%s: %d params, %d MACs", r.ID, r.Params, r.MACs)
		case r.ID == "mobilenet_v2_se" && math.Abs(float64(r.Params)/1e6-3.89) > 0.005:
			t.Errorf("%s: %d params", r.ID, r.Params)
		}
	}
	rep, err := Validate(context.Background(), b, []string{"imagenet"}, Options{Bootstrap: -1})
	if err != nil {
		t.Fatal(err)
	}
	p := rep.Proxies["imagenet"]
	pairs, right := 0, 0.0
	for kind, want := range map[accuracy.Trait]int{accuracy.SE: 11, accuracy.KernelSize: 6, accuracy.Activation: 1} {
		q := p.OneThing[string(kind)]
		if q.Pairs != want {
			t.Errorf("%s: %d pairs, want %d", kind, q.Pairs, want)
		}
		pairs, right = pairs+q.Pairs, right+q.right
	}
	if right/float64(pairs) < 0.8 {
		t.Errorf("%v of %d pairs in the right order", right, pairs)
	}

	// The list is of the same pairs, each with its published difference.
	if len(p.OneThingList) != pairs {
		t.Errorf("%d pairs are listed, want %d", len(p.OneThingList), pairs)
	}
	listed := 0.0
	for _, q := range p.OneThingList {
		if q.Interval == nil || !(q.Interval[0] < q.Estimated && q.Estimated < q.Interval[1]) {
			t.Errorf("%s to %s: %v with the interval %v", q.From, q.To, q.Estimated, q.Interval)
		}
		if q.Order == "right" {
			listed++
		}
		switch {
		case q.From == "mobilenet_v2" && (q.To != "mobilenet_v2_se" || q.Differ != string(accuracy.SE) ||
			q.Change != "gates 0 -> 17" || math.Abs(q.Published-1.2) > 1e-9),
			q.Differ == string(accuracy.Activation) && (q.Change != "relu -> hswish" && q.Change != "hswish -> relu" ||
				math.Abs(math.Abs(q.Published)-1.21) > 1e-9),
			q.From == "pplcnet_k5_none" && q.To == "pplcnet_k5_all" &&
				(q.Change != "3x3 x 14 -> 3x3 x 1, 5x5 x 13" || math.Abs(q.Published-0.78) > 1e-9):
			t.Errorf("%+v", q)
		}
	}
	if listed != right {
		t.Errorf("%v pairs are listed as right, the shares say %v", listed, right)
	}
}

// TestGrids: the grids of MobileNetV1 and V2, by estimates of models that had not
// seen the family.
func TestGrids(t *testing.T) {
	b, err := benchmark.Open("grids")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, r := range b.Rows {
		count[r.Group]++
	}
	if count["v1"] != 16 || count["v2"] != 22 || len(b.Rows) != 38 {
		t.Fatalf("networks %v, want 16 and 22", count)
	}
	rep, err := Validate(context.Background(), b, []string{"imagenet", "profile"}, Options{Bootstrap: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []string{"v1", "v2"} {
		if tau := rep.Proxies["imagenet"].GroupTau[g]; tau < 0.95 {
			t.Errorf("%s: tau %.3f, want 0.95", g, tau)
		}
		t.Logf("%s: imagenet %.3f, profile %.3f", g, rep.Proxies["imagenet"].GroupTau[g], rep.Proxies["profile"].GroupTau[g])
	}
}

// probe is a small network of one form of block, twice.
func probe(t *testing.T, m blocks.InvertedResidual) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder("probe", blocks.Shape{H: 32, W: 32, C: 3})
	x := b.Input()
	for l, out := range []int{16, 24} {
		b.Mark(1, l+1)
		m.Out, m.Expanded, m.Stride = out, 4*b.Shape(x).C, 2-l
		x = blocks.Named{Name: "b", Block: m}.Build(b, x)
	}
	b.Mark(2, 0)
	b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func scored(values ...float64) []accuracy.Score {
	var s []accuracy.Score
	for _, v := range values {
		s = append(s, accuracy.Score{Value: v})
	}
	return s
}

// The listed pairs are those that the share counts: none of one accuracy, and a
// tie where the score sees no difference.
func TestPairListIsOfTheShare(t *testing.T) {
	var rows []benchmark.Row
	for i, kernel := range []int{3, 5, 7} {
		n := probe(t, blocks.InvertedResidual{Kernel: kernel, Act: blocks.ReLU})
		rows = append(rows, benchmark.Row{ID: string(rune('a' + i)), MACs: int64(i), Truth: []float64{70, 70, 71}[i],
			Network: n})
	}
	shares, list := oneThingPairs(rows, scored(1, 2, 2))
	share := shares[string(accuracy.KernelSize)]
	if share.Pairs != 2 || share.RightPct != 75 || len(list) != 2 {
		t.Fatalf("%+v, listed %+v; want two pairs, one right and one half right", share, list)
	}
	if p, q := list[0], list[1]; p.From != "a" || p.To != "c" || p.Order != "right" || q.From != "b" || q.To != "c" ||
		q.Order != "tie" {
		t.Errorf("listed %+v, want a-c right and b-c a tie", list)
	}

	for _, between := range []float64{0, 0.5} { // a score that tells no errors leaves no interval
		scores := scored(1, 2, 2)
		for i := range scores {
			scores[i].Between = between
		}
		_, list := oneThingPairs(rows, scores)
		if got := list[0].Interval; (got != nil) != (between > 0) || got != nil && !(got[0] < 1 && 1 < got[1]) {
			t.Errorf("error %v of differences: interval %v", between, got)
		}
	}
}
