package accuracy

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"nas/accuracy/benchmark"
	"nas/accuracy/proxy"
	"nas/blocks"
)

func macroNets(t testing.TB, digits ...string) []*blocks.Network {
	var nets []*blocks.Network
	for _, d := range digits {
		n, err := benchmark.MacroNetwork(d)
		if err != nil {
			t.Fatal(err)
		}
		nets = append(nets, n)
	}
	return nets
}

func depthOf(t *testing.T, n *blocks.Network) float64 {
	e, err := New("depth", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Estimate(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return s.Value
}

func TestRankMeanStoredScale(t *testing.T) {
	ref := macroNets(t, "00000000", "10000000", "11100100", "22222222", "21022010", "12112112")
	a, err := New("rankmean(macs, depth)", Options{Reference: ref})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(a.(*RankMean).Scale())
	if err != nil {
		t.Fatal(err)
	}
	var s Scale
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	b, err := New("rankmean(macs,depth)", Options{Scale: &s})
	if err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() || a.Info().ScaleID == "" {
		t.Errorf("scales %s and %s, want equal ones", a, b)
	}
	c, err := New("rankmean(macs,depth)", Options{Reference: ref[1:]})
	if err != nil {
		t.Fatal(err)
	}
	if c.Info().ScaleID == a.Info().ScaleID {
		t.Error("another sample has the same scale id")
	}
	for i, v := range b.(*RankMean).ReferenceValues() {
		if x, err := a.Estimate(context.Background(), ref[i]); err != nil || math.Abs(x.Value-v) > 1e-12 {
			t.Errorf("reference network %d: %v, its stored value %v (%v)", i, x.Value, v, err)
		}
	}
	for _, n := range macroNets(t, "22212220", "00000000", "22222222") {
		x, err := a.Estimate(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		y, _ := b.Estimate(context.Background(), n)
		if x.Value != y.Value {
			t.Errorf("%s: %v from the sample, %v from the stored scale", n.Name, x.Value, y.Value)
		}
		if x.Parts["depth"] != depthOf(t, n) || !math.IsNaN(x.Low) || !math.IsNaN(x.High) {
			t.Errorf("%s: parts %v", n.Name, x.Parts)
		}
	}
}

func TestSpec(t *testing.T) {
	for _, tt := range []struct{ spec, want string }{
		{"depht", `unknown proxy "depht", want one of `},
		{"rankmean", "needs the proxies"},
		{"rankmean()", "a name is missing"},
		{"rankmean(depth", "want , or )"},
		{"rankmean(depth,depth)", "twice"},
		{"rankmean(depth,rankmean(macs))", "another rankmean"},
		{"depth(macs)", "takes no arguments"},
		{"depth macs", `unexpected "macs"`},
		{"", "a name is missing"},
	} {
		if err := CheckSpec(tt.spec); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("CheckSpec(%q) = %v, want %q", tt.spec, err, tt.want)
		}
	}
	for _, name := range []string{"depth", " macs ", "rankmean( depth , params)"} {
		if err := CheckSpec(name); err != nil {
			t.Errorf("CheckSpec(%q) = %v", name, err)
		}
	}
	if _, err := New("rankmean(depth)", Options{}); err == nil || !strings.Contains(err.Error(), "reference sample") {
		t.Errorf("rankmean without a sample: %v", err)
	}
}

func FuzzSpec(f *testing.F) {
	f.Add("rankmean(naswot,depth)")
	f.Add("a(b(c),d)")
	f.Fuzz(func(t *testing.T, spec string) {
		tm, err := parseSpec(spec)
		if err != nil {
			return
		}
		again, err := parseSpec(tm.String())
		if err != nil || again.String() != tm.String() {
			t.Fatalf("%q reads as %q, which reads as %v, %v", spec, tm, again, err)
		}
	})
}

// A network that is listed again is scored once, and has its score everywhere in the list.
func TestScoreAllOncePerNetwork(t *testing.T) {
	two := macroNets(t, "00000000", "22222222")
	a, b := two[0], two[1]
	nets := []*blocks.Network{a, b, a, a, b}
	var last [2]int
	ctx := WithProgress(t.Context(), func(_ string, done, total int) { last = [2]int{done, total} })
	scores, err := ScoreAll(ctx, newProxyEstimator("macs", proxy.Settings{}), nets, 2)
	if err != nil {
		t.Fatal(err)
	}
	if last != [2]int{2, 2} {
		t.Errorf("%v networks were scored, want 2 of 2", last)
	}
	for i, n := range nets {
		if want := math.Log(float64(n.Counts().MACs)); scores[i].Value != want {
			t.Errorf("score %d is %v, want %v", i, scores[i].Value, want)
		}
	}
}
