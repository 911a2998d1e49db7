package audit

import (
	"slices"
	"testing"

	"nas/accuracy"
	"nas/internal/runtest"
	"nas/internal/work"
)

// TestAudit audits a space whose genes a score by parameters alone sees or does
// not see by construction.
func TestAudit(t *testing.T) {
	s := runtest.Setup(t, `[space]
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
`, work.Options{})
	a, err := Space(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if a.Noise != 0 || a.Bases != baseCount {
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
		name            string
		n               int
		mean, sd, noise float64
		want            bool
	}{
		{"what noise gives", 64, 0, 1.4, 1, false},
		{"more than noise", 64, 0, 3, 1, true},
		{"no more than noise, but in one direction", 64, 1, 1, 1, true},
		{"by chance in one direction", 64, 0.1, 1.4, 1, false},
		{"no change, no noise", 64, 0, 0, 0, false},
		{"a small change, no noise", 64, 0, 0.01, 0, true},
		{"never flipped", 0, 9, 0, 1, false},
	} {
		if got := visible(c.n, c.mean, c.sd, c.noise); got != c.want {
			t.Errorf("%s: visible is %v", c.name, got)
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

// Only a score that charges for the unknown has a winner by it.
func TestAuditVerdictOfABlindGene(t *testing.T) {
	r := GeneRow{Flips: 9, Declared: true, ScoreMean: 0.001, Cheapest: "relu", SavingPct: 4,
		Values: []ChoiceRow{{Choice: "relu"}, {Choice: "swish", ScoreMean: 0.001}}}
	if got, want := r.String(), "NOT seen: relu wins, 4.0 % cheaper"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.Charged = true
	if got, want := r.String(), "NOT seen, but a fixed charge for the unknown: swish wins"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
