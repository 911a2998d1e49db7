package improve

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/stat"
	"nas/internal/work"
	"nas/search"
	"nas/space"
)

func mustImprove(t *testing.T, o Options) *Improvement {
	t.Helper()
	r, err := Improve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func zooNetwork(t *testing.T, spec string) *blocks.Network {
	t.Helper()
	n, err := zoo.Get(spec)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestImprove searches around a small MobileNetV2 by the fitted estimate: the
// model is trial 0, the result is within its latency, its edits are what lies
// between the two, and a resumed improvement is the same.
func TestImprove(t *testing.T) {
	if testing.Short() {
		t.Skip("three hundred networks are scored")
	}
	const name = "mobilenet_v2@width=0.35,res=96"
	o := Options{Name: name, Network: zooNetwork(t, name), Profile: runtest.Profile(t), Evaluations: 300,
		Dir: filepath.Join(t.TempDir(), "run")}
	r := mustImprove(t, o)
	if r.Best == nil || r.Mapped != "" || r.Unit != "pct" {
		t.Fatalf("improvement is %+v", r)
	}
	if r.Best.Score <= r.Model.Score || r.Best.Ms > r.Model.Ms || len(r.Edits) == 0 {
		t.Errorf("best is %+v, the model %+v, %d edits", *r.Best, r.Model, len(r.Edits))
	}
	if r.Better != (r.Best.Score-r.Model.Score > r.GainHalfWidth && r.Best.RatioLow <= 1) {
		t.Errorf("better is %v with %+v against %+v", r.Better, *r.Best, r.Model)
	}
	if f := r.Faster; f != nil && (f.Score < r.Model.Score || f.Ms >= r.Best.Ms) {
		t.Errorf("%+v is called as good and faster than %+v", *f, r.Model)
	}
	if r.Skipped == "" && (r.Model.MeasuredMs <= 0 || r.Best.RatioLow > r.Best.Ratio || r.Best.Ratio > r.Best.RatioHigh) {
		t.Errorf("measured: %+v and %+v", r.Model, *r.Best)
	}
	if first := runtest.Trials(t, o.Dir)[0]; !first.Feasible() ||
		first.Parts[runstore.KeyMACs] != float64(o.Network.Counts().MACs) ||
		first.Objectives[runstore.KeyLatency] != r.Model.Ms {
		t.Errorf("trial 0 is %+v, want the model itself", first)
	}
	runtest.Read(t, o.Dir, outcomeFile)

	o.Resume = true
	again := mustImprove(t, o)
	if again.Best == nil || again.Best.Arch != r.Best.Arch || again.Status != search.StatusEvaluations {
		t.Errorf("resumed it finds %+v, want %+v", again.Best, r.Best)
	}
}

// TestImproveEdits takes every edit back at once: that must be the start.
func TestImproveEdits(t *testing.T) {
	n := zooNetwork(t, "mobilenet_v2@width=0.35,res=96")
	a, err := space.FromNetwork(n)
	if err != nil {
		t.Fatal(err)
	}
	spec, b := space.Around(a, space.Vary{})
	s, err := space.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		gene   string
		choice string
		where  string
		change string
	}{
		{"stage[4].block[2].kernel", "7", "stage 4, block 2", "kernel 3 -> 7"},
		{"stage[4].depth", "3", "stage 4", "without block mbconv_k3_s1_x144_c24_relu6_res"},
		{"stage[5].channels", "40", "stage 5", "channels 32 -> 40"},
	} {
		start := s.Nearest(b)
		to := append(space.Genes(nil), start...)
		for i, g := range s.Genes() {
			for v, text := range g.Choices {
				if g.Name == c.gene && text == c.choice {
					to[i] = uint16(v)
				}
			}
		}
		if s.Arch(to).String() == s.Arch(start).String() {
			t.Fatalf("%s = %s is no change: %v", c.gene, c.choice, s.Genes())
		}
		m := comparisonOf(t, s, start, s.Canonical(to))
		if err := m.edits(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(m.out.Edits) != 1 || m.out.Edits[0].Where != c.where ||
			!strings.Contains(strings.Join(m.out.Edits[0].Changes, "; "), c.change) {
			t.Errorf("%s = %s is told as %+v, want %q in %q", c.gene, c.choice, m.out.Edits, c.change, c.where)
		}
		// One edit alone: taking it back gives the start.
		start0, err := m.assess(t.Context(), mustNetwork(t, s.Arch(start)))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := m.out.Edits[0].Score, m.out.Best.Score-start0.Score; got != want {
			t.Errorf("%s: the edit is worth %v, want %v", c.gene, got, want)
		}
	}
}

func mustNetwork(t *testing.T, a space.Arch) *blocks.Network {
	t.Helper()
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// comparisonOf has models and a picked genotype, without a search.
func comparisonOf(t *testing.T, sp *space.Space, start, best space.Genes) *comparison {
	t.Helper()
	s := runtest.Setup(t, `[space]
input = [96, 96, 3]
classes = 1000
[[space.stage]]
channels = 8
[accuracy]
proxy = "params"
`, work.Options{})
	s.Space = sp
	c := &comparison{Setup: s, out: &Improvement{}, start: start, best: best}
	side, err := c.assess(t.Context(), mustNetwork(t, sp.Arch(best)))
	if err != nil {
		t.Fatal(err)
	}
	c.out.Best = &side
	return c
}

// TestImproveSaysNo: where nothing can be better, and where nothing fits, the
// verdict says so; a network that is no row of blocks is wrong use.
func TestImproveSaysNo(t *testing.T) {
	a, err := space.Parse("32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Name: "tiny", Network: mustNetwork(t, a), Profile: runtest.Profile(t), Evaluations: 40,
		Dir: filepath.Join(t.TempDir(), "run")}
	o.MaxLatencyMs = 1e-6
	r := mustImprove(t, o)
	if r.Best != nil || r.Better || !strings.Contains(r.Verdict, "max_latency") {
		t.Errorf("within a nanosecond: %+v", r)
	}

	// The space of the model and one slower network: the model is the best in its time.
	c, err := config.Decode("x.toml", []byte(`[space]
input = [32, 32, 3]
classes = 10
[space.stem]
channels = 8
[[space.stage]]
block = "ds"
channels = 16
depth = [1, 2]
[space.head]
channels = 32
[accuracy]
proxy = "depth"
`), evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	o.Config, o.MaxLatencyMs, o.Dir = c, 0, filepath.Join(t.TempDir(), "run")
	r = mustImprove(t, o)
	if r.Best != nil || r.Better || !strings.Contains(r.Verdict, "nothing better") {
		t.Errorf("in a space of two: %+v", r)
	}

	o = Options{Name: "alexnet", Network: zooNetwork(t, "alexnet"), Dir: t.TempDir()}
	var usage *config.UsageError
	if _, err := Improve(t.Context(), o); !errors.As(err, &usage) {
		t.Errorf("alexnet gives %v, want wrong use", err)
	}
}

func TestDecide(t *testing.T) {
	model := Side{Ms: 3.5, Score: 62}
	better := Side{Ms: 3.97, Score: 72, RatioLow: 1.1, Ratio: 1.15, RatioHigh: 1.2}
	with := func(s Side, change func(*Side)) Side {
		change(&s)
		return s
	}
	for _, c := range []struct {
		name         string
		best         Side
		halfWidth    float64
		limit, asked float64
		want         string // the beginning
		wantEnd      string
		wantBetter   bool
	}{
		{"better", better, 3, 4, 4, "better: 10 points more, beyond 3", "the interval", true},
		{"within noise", better, 11, 4, 4, "perhaps better: 10 points more, which is not beyond 11",
			"before you believe it", false},
		{"slower than asked", with(better, func(s *Side) { s.RatioLow = 1.2 }), 3, 4, 4,
			"not an improvement on this device: 10 points more",
			"more than was predicted", false},
		{"faster, not better", with(better, func(s *Side) { s.Score, s.Ms = 60, 1.75 }), 3, 2, 2,
			"faster, not better: within 2 ms the best of 40 networks scores 2 points less", "at 0.5 times the model's predicted latency", false},
		{"nothing better", with(better, func(s *Side) { s.Score = 61 }), 3, 3.5, 0,
			"nothing better was found: within 3.5 ms", "the model 62", false},
		{"limit kept", with(better, func(s *Side) { s.MeasuredMs = 3.9 }), 3, 4, 4, "better: 10 points more",
			"the interval", true},
		// The verdict holds of predictions.
		{"limit missed", with(better, func(s *Side) { s.MeasuredMs = 4.2 }), 3, 4, 4, "better: 10 points more",
			"predictions are held to --max-latency, so ask for less than 4 ms", true},
	} {
		o := Improvement{Unit: "pct", Model: model, Best: &c.best, GainHalfWidth: c.halfWidth, Evaluated: 40}
		o.decide(c.limit, c.asked, "the interval")
		if !strings.HasPrefix(o.Verdict, c.want) || !strings.HasSuffix(o.Verdict, c.wantEnd) || o.Better != c.wantBetter {
			t.Errorf("%s: better is %v, %q; want %q ... %q", c.name, o.Better, o.Verdict, c.want, c.wantEnd)
		}
	}
}

func TestSeedHalfWidth(t *testing.T) {
	if got := seedHalfWidth(nil); got != 0 {
		t.Errorf("a score without a seed differs by %v", got)
	}
	// Gains of 1 and 3: a standard deviation of sqrt(2).
	if got, want := seedHalfWidth([][]float64{{5, 6}, {5, 8}}), stat.Half90*math.Sqrt2; math.Abs(got-want) > 1e-12 {
		t.Errorf("half width %v, want %v", got, want)
	}
}

func TestSetMeasured(t *testing.T) {
	var s Side
	s.setMeasured([]float64{3, 1, 2}, []float64{2, 2, 2})
	if want := (Side{MeasuredMs: 2, Ratio: 1, RatioLow: 0.5, RatioHigh: 1.5}); s != want {
		t.Errorf("measured %+v, want %+v", s, want)
	}
}
