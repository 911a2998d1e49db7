package run

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/search"
	"nas/space"
)

func mustImprove(t *testing.T, o ImproveOptions) *Improvement {
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
	const name = "mobilenet_v2@width=0.35,res=96"
	o := ImproveOptions{Name: name, Network: zooNetwork(t, name), Profile: testProfile(t), Evaluations: 300, Dir: filepath.Join(t.TempDir(), "run")}
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
	if first := trialsOf(t, o.Dir)[0]; !first.Feasible() || first.Parts[keyMACs] != float64(o.Network.Counts().MACs) || first.Objectives[keyLatency] != r.Model.Ms {
		t.Errorf("trial 0 is %+v, want the model itself", first)
	}
	read(t, o.Dir, ImproveFile)

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
		m := improverOf(t, s, start, s.Canonical(to))
		if err := m.edits(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(m.out.Edits) != 1 || m.out.Edits[0].Where != c.where || !strings.Contains(strings.Join(m.out.Edits[0].Changes, "; "), c.change) {
			t.Errorf("%s = %s is told as %+v, want %q in %q", c.gene, c.choice, m.out.Edits, c.change, c.where)
		}
		// One edit alone: taking it back gives the start.
		start0, err := m.side(t.Context(), mustNetwork(t, s.Arch(start)))
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

// improverOf has models and a picked genotype, without a search.
func improverOf(t *testing.T, s *space.Space, start, picked space.Genes) *improver {
	t.Helper()
	c, err := config.Decode("x.toml", []byte("[space]\ninput=[96,96,3]\nclasses=1000\n[[space.stage]]\nchannels=8\n[accuracy]\nproxy=\"params\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	c.Latency.Profile = config.Named[string]{"": testProfile(t)}
	p := newPipeline(Options{Config: c})
	if err := p.take(t.Context(), p.prepare, p.profiles, p.scale); err != nil {
		t.Fatal(err)
	}
	p.space = s
	m := &improver{pipeline: p, out: &Improvement{}, start: start, picked: picked}
	best, err := m.side(t.Context(), mustNetwork(t, s.Arch(picked)))
	if err != nil {
		t.Fatal(err)
	}
	m.out.Best = &best
	return m
}

// TestImproveSaysNo: where nothing can be better, and where nothing fits, the
// verdict says so; a network that is no row of blocks is wrong use.
func TestImproveSaysNo(t *testing.T) {
	a, err := space.Parse("32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10")
	if err != nil {
		t.Fatal(err)
	}
	o := ImproveOptions{Name: "tiny", Network: mustNetwork(t, a), Profile: testProfile(t), Evaluations: 40, Dir: filepath.Join(t.TempDir(), "run")}
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
`), Check)
	if err != nil {
		t.Fatal(err)
	}
	o.Config, o.MaxLatencyMs, o.Dir = c, 0, filepath.Join(t.TempDir(), "run")
	r = mustImprove(t, o)
	if r.Best != nil || r.Better || !strings.Contains(r.Verdict, "nothing better") {
		t.Errorf("in a space of two: %+v", r)
	}

	o = ImproveOptions{Name: "alexnet", Network: zooNetwork(t, "alexnet"), Dir: t.TempDir()}
	var usage *config.UsageError
	if _, err := Improve(t.Context(), o); !errors.As(err, &usage) {
		t.Errorf("alexnet gives %v, want wrong use", err)
	}
}

// A limit holds predictions; what was measured beyond it is said.
func TestImproveSaysThatTheLimitWasMissed(t *testing.T) {
	for measured, want := range map[float64]bool{3.9: false, 4.2: true} {
		m := &improver{o: &ImproveOptions{MaxLatencyMs: 4}, out: &Improvement{Unit: "pct",
			Model: ImproveSide{Ms: 3.5, Score: 62}, Best: &ImproveSide{Ms: 3.97, Score: 72, Low: 69, High: 75, MeasuredMs: measured}}}
		if err := m.judge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(m.out.Verdict, "--max-latency"); got != want || !strings.HasPrefix(m.out.Verdict, "better: 10 points more") {
			t.Errorf("measured at %v ms: %q", measured, m.out.Verdict)
		}
	}
}
