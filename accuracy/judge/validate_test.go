package judge

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"nas/accuracy/benchmark"
)

// TestValidateShuffled: a proxy judged against accuracies dealt out at random is
// worth nothing, and its interval says so.
func TestValidateShuffled(t *testing.T) {
	b, err := benchmark.Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 3))
	r.Shuffle(len(b.Rows), func(i, j int) { b.Rows[i].Truth, b.Rows[j].Truth = b.Rows[j].Truth, b.Rows[i].Truth })
	rep, err := Validate(context.Background(), b, []string{"macs", "depth"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range rep.Proxies {
		if math.Abs(p.KendallTau) > 0.06 || math.Abs(*p.SameCostTau) > 0.06 || p.TauInterval[0] > 0.02 ||
			p.TauInterval[1] < -0.02 {
			t.Errorf("%s: tau %.3f (%.3f), same cost %.3f of shuffled accuracies, want about 0", name, p.KendallTau,
				p.TauInterval, *p.SameCostTau)
		}
	}
}

// TestValidateMacro states what closed forms are worth on the half on which
// nothing was chosen.
func TestValidateMacro(t *testing.T) {
	b, err := benchmark.Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Validate(context.Background(), b, []string{"macs", "depth", "profile", "rankmean(depth,macs)"},
		Options{Split: benchmark.HeldOut, Bootstrap: 50})
	if err != nil {
		t.Fatal(err)
	}
	p := rep.Proxies
	if !(*p["profile"].SameCostTau > *p["depth"].SameCostTau && *p["depth"].SameCostTau > *p["macs"].SameCostTau) {
		t.Errorf("same-cost tau: profile %.3f, depth %.3f, macs %.3f", *p["profile"].SameCostTau, *p["depth"].SameCostTau,
			*p["macs"].SameCostTau)
	}
	if q := p["macs"]; !(q.TauInterval[0] < q.KendallTau && q.KendallTau < q.TauInterval[1]) {
		t.Errorf("tau %.3f outside its interval %.3f", q.KendallTau, q.TauInterval)
	}
	var keys map[string]any
	text, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	first := keys["proxies"].(map[string]any)["macs"].(map[string]any)
	for _, k := range []string{"kendall_tau", "spearman", "same_cost_tau", "regret_mean", "regret_worst",
		"ms_per_network"} {
		if _, ok := first[k]; !ok {
			t.Errorf("JSON key %s is missing", k)
		}
	}
}

// TestValidateImageNet: the fitted estimate is judged by models that had not
// seen the networks.
func TestValidateImageNet(t *testing.T) {
	for _, tt := range []struct {
		benchmark      string
		tau, same, mae float64
	}{{"accel", 0.92, 0.89, 0}, {"published", 0.93, 0, 1.3}} {
		b, err := benchmark.Open(tt.benchmark)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := Validate(context.Background(), b, []string{"imagenet", "macs"}, Options{Bootstrap: -1})
		if err != nil {
			t.Fatal(err)
		}
		p := rep.Proxies["imagenet"]
		if p.Note == "" || p.KendallTau < tt.tau || *p.SameCostTau < tt.same ||
			p.KendallTau < rep.Proxies["macs"].KendallTau {
			t.Errorf("%s: tau %.3f, same cost %.3f, %q", tt.benchmark, p.KendallTau, *p.SameCostTau, p.Note)
		}
		if tt.mae > 0 && (*p.MAE > tt.mae || *p.Coverage < 85) {
			t.Errorf("%s: MAE %.2f, coverage %.0f", tt.benchmark, *p.MAE, *p.Coverage)
		}
		t.Logf("%s: tau %.4f same cost %.4f regret %.2f %.2f", tt.benchmark, p.KendallTau, *p.SameCostTau, p.RegretMean,
			p.RegretWorst)
	}
}
