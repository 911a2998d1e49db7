package run

import (
	"slices"
	"strings"
	"testing"

	"nas/accuracy"
	"nas/internal/config"
)

// TestAudit audits a space whose genes a score by parameters alone sees or does
// not see by construction.
func TestAudit(t *testing.T) {
	profile := testProfile(t)
	c, err := config.Decode("audit.toml", []byte(`[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = 16
stride = 2
depth = [2, 3]
kernel = [3, 5]
activation = ["relu6", "hswish"]
[accuracy]
proxy = "params"
`), Check)
	if err != nil {
		t.Fatal(err)
	}
	c.Latency.Profile = config.Named[string]{"": profile}
	a, err := AuditSpace(t.Context(), Options{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	if a.Noise != 0 || a.Bases != auditBases {
		t.Errorf("noise %v of a score without seed, %d bases", a.Noise, a.Bases)
	}
	var names []string
	for _, r := range a.Rows {
		names = append(names, r.Gene)
		seen := r.Gene != "stage[1].activation"
		if r.Visible != seen || r.Flips == 0 {
			t.Errorf("%+v: visible is %v, want %v", r, r.Visible, seen)
		}
		if seen && !(r.ScoreMean > 0) {
			t.Errorf("%s: more of it changes the parameters by %v", r.Gene, r.ScoreMean)
		}
		if r.Gene == "stage[1].depth" && (r.Cheapest != "2" || !(r.SavingPct > 0) || !(r.LatencyMeanPct > 0)) {
			t.Errorf("cheapest depth is %s, saving %v %%, latency %+v %%", r.Cheapest, r.SavingPct, r.LatencyMeanPct)
		}
	}
	for _, r := range a.Rows {
		like := ""
		if r.Gene == "stage[1].activation" {
			like = "relu6" // params count no activation
		}
		if len(r.Values) != 2 || r.Values[1].Like != like || (r.Values[1].ScoreMean == 0) != (like != "") {
			t.Errorf("%s: values %+v", r.Gene, r.Values)
		}
	}
	if want := []string{"stage[1].depth", "stage[1].kernel", "stage[1].activation"}; !slices.Equal(names, want) {
		t.Errorf("genes %v, want %v", names, want)
	}
}

func TestVisible(t *testing.T) {
	for _, c := range []struct {
		row   AuditRow
		noise float64
		want  bool
	}{
		{AuditRow{Flips: 64, ScoreSpread: 1.4}, 1, false},                 // what noise gives
		{AuditRow{Flips: 64, ScoreSpread: 3}, 1, true},                    // more than that
		{AuditRow{Flips: 64, ScoreMean: 1, ScoreSpread: 1}, 1, true},      // not more, but always in one direction
		{AuditRow{Flips: 64, ScoreMean: 0.1, ScoreSpread: 1.4}, 1, false}, // by chance in one direction
		{AuditRow{Flips: 64}, 0, false}, {AuditRow{Flips: 64, ScoreSpread: 0.01}, 0, true},
		{AuditRow{ScoreMean: 9}, 1, false}, // never flipped
	} {
		if got := visible(c.row, c.noise); got != c.want {
			t.Errorf("%+v with noise %v: visible is %v", c.row, c.noise, got)
		}
	}
}

// TestRunWarnsOfBlindGenes: the default score declares that it cannot see
// squeeze-and-excite and activations.
func TestRunWarnsOfBlindGenes(t *testing.T) {
	c := smoke(t, testProfile(t))
	c.Search.Evaluations, c.Output.Measure = 8, 0
	var said []string
	mustRun(t, t.Context(), Options{Config: c, Say: func(s string) { said = append(said, s) }})
	all := strings.Join(said, "\n")
	for _, want := range []string{"cannot see se: the search will take the cheapest, se = 0", "cannot see activation"} {
		if !strings.Contains(all, want) {
			t.Errorf("the run does not say %q:\n%s", want, all)
		}
	}
}

// TestCountedAs: what a score declares to take for less is said of each such choice.
func TestCountedAs(t *testing.T) {
	info := accuracy.Info{Caps: map[accuracy.Trait]float64{accuracy.KernelSize: 5}}
	kernels := geneGroup{key: "kernel", choices: []string{"3", "5", "7"}}
	for v, want := range []string{"", "", "5"} {
		if like, why := countedAs(kernels, v, info); like != want || (why == "") != (want == "") {
			t.Errorf("kernel %s counts as %q, %q", kernels.choices[v], like, why)
		}
	}
	if like, _ := countedAs(geneGroup{key: "kernel", choices: []string{"3", "9"}}, 1, info); like != "5" {
		t.Errorf("kernel 9 counts as %q, want 5", like)
	}
	if like, _ := countedAs(geneGroup{key: "depth", choices: []string{"3", "9"}}, 1, info); like != "" {
		t.Errorf("depth 9 counts as %q", like)
	}
}
