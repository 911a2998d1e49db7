package accuracy

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"nas/blocks"
	"nas/internal/stat"
)

// TestValidateShuffled: a proxy judged against accuracies dealt out at random is
// worth nothing, and its interval says so.
func TestValidateShuffled(t *testing.T) {
	b, err := OpenBenchmark("macro")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 3))
	r.Shuffle(len(b.Rows), func(i, j int) { b.Rows[i].Truth, b.Rows[j].Truth = b.Rows[j].Truth, b.Rows[i].Truth })
	rep, err := Validate(context.Background(), b, []string{"macs", "depth"}, ValidateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range rep.Proxies {
		if math.Abs(p.KendallTau) > 0.06 || math.Abs(*p.SameCostTau) > 0.06 || p.TauInterval[0] > 0.02 || p.TauInterval[1] < -0.02 {
			t.Errorf("%s: tau %.3f (%.3f), same cost %.3f of shuffled accuracies, want about 0", name, p.KendallTau, p.TauInterval, *p.SameCostTau)
		}
	}
}

// TestValidateMacro states what closed forms are worth on the half on which
// nothing was chosen.
func TestValidateMacro(t *testing.T) {
	b, err := OpenBenchmark("macro")
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Validate(context.Background(), b, []string{"macs", "depth", "profile", "rankmean(depth,macs)"}, ValidateOptions{Split: HeldOut, Bootstrap: 50})
	if err != nil {
		t.Fatal(err)
	}
	p := rep.Proxies
	if !(*p["profile"].SameCostTau > *p["depth"].SameCostTau && *p["depth"].SameCostTau > *p["macs"].SameCostTau) {
		t.Errorf("same-cost tau: profile %.3f, depth %.3f, macs %.3f", *p["profile"].SameCostTau, *p["depth"].SameCostTau, *p["macs"].SameCostTau)
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
	for _, k := range []string{"kendall_tau", "spearman", "same_cost_tau", "regret_mean", "regret_worst", "ms_per_network"} {
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
		b, err := OpenBenchmark(tt.benchmark)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := Validate(context.Background(), b, []string{"imagenet", "macs"}, ValidateOptions{Bootstrap: -1})
		if err != nil {
			t.Fatal(err)
		}
		p := rep.Proxies["imagenet"]
		if p.Note == "" || p.KendallTau < tt.tau || *p.SameCostTau < tt.same || p.KendallTau < rep.Proxies["macs"].KendallTau {
			t.Errorf("%s: tau %.3f, same cost %.3f, %q", tt.benchmark, p.KendallTau, *p.SameCostTau, p.Note)
		}
		if tt.mae > 0 && (*p.MAE > tt.mae || *p.Coverage < 85) {
			t.Errorf("%s: MAE %.2f, coverage %.0f", tt.benchmark, *p.MAE, *p.Coverage)
		}
		t.Logf("%s: tau %.4f same cost %.4f regret %.2f %.2f", tt.benchmark, p.KendallTau, *p.SameCostTau, p.RegretMean, p.RegretWorst)
	}
}

func TestSplitsAreHalves(t *testing.T) {
	b, err := OpenBenchmark("macro")
	if err != nil {
		t.Fatal(err)
	}
	dev, _ := b.Split(Development)
	held, _ := b.Split(HeldOut)
	if len(dev)+len(held) != len(b.Rows) || len(held) < len(b.Rows)/3 || len(dev) < len(b.Rows)/3 {
		t.Errorf("%d and %d of %d", len(dev), len(held), len(b.Rows))
	}
	if _, err := b.Split("third"); err == nil {
		t.Error("an unknown split is accepted")
	}
}

func TestReadBenchmark(t *testing.T) {
	b, err := ReadBenchmark("mine.csv", strings.NewReader("arch,accuracy,id\n22212220,93.1,best\n00000000,45.4,worst\n"), MacroNetwork)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Rows) != 2 || b.Rows[0].ID != "best" || b.Rows[1].Truth != 45.4 || b.Rows[0].MACs != 85205760 && b.Rows[0].MACs == 0 {
		t.Errorf("%+v", b.Rows)
	}
	for _, tt := range []struct{ text, want string }{
		{"", "empty"},
		{"arch,top1\nx,1\n", `column "accuracy" is missing`},
		{"arch,accuracy\n22212220,high\n", `line 2, column 2: accuracy "high"`},
		{"arch,accuracy\n22212220,930\n", `line 2, column 2: accuracy "930"`},
		{"arch,accuracy\n9,50\n", "line 2, column 1: arch \"9\": accuracy: macro network"},
	} {
		if _, err := ReadBenchmark("mine.csv", strings.NewReader(tt.text), MacroNetwork); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

// TestSurrogate: fitted to forty networks, it ranks the others better than the
// baseline, and it knows what it is worth.
func TestSurrogate(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two hundred networks")
	}
	b, err := OpenBenchmark("macro")
	if err != nil {
		t.Fatal(err)
	}
	dev, _ := b.Split(Development)
	r := rand.New(rand.NewPCG(8, 8))
	var trainedNets []TrainedNetwork
	var rest []*blocks.Network
	var truth []float64
	for k, i := range r.Perm(len(dev))[:110] {
		if k < 40 {
			trainedNets = append(trainedNets, TrainedNetwork{dev[i].Network, dev[i].Truth})
		} else {
			rest, truth = append(rest, dev[i].Network), append(truth, dev[i].Truth)
		}
	}
	e, err := New("surrogate", Options{Trained: trainedNets, NASWOT: NASWOT{Batch: 16}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ScoreAll(context.Background(), e, rest, 0)
	if err != nil {
		t.Fatal(err)
	}
	var macs []float64
	for _, n := range rest {
		macs = append(macs, MACs(n))
	}
	if tau := stat.KendallTau(Values(got), truth); tau < stat.KendallTau(macs, truth)+0.1 {
		t.Errorf("%s: tau %.3f, MACs %.3f", e, tau, stat.KendallTau(macs, truth))
	}
	if _, err := New("surrogate", Options{Trained: trainedNets[:2]}); err == nil || !strings.Contains(err.Error(), "5 trained networks") {
		t.Errorf("two networks: %v", err)
	}
}
