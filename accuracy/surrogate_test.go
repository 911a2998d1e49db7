package accuracy

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"nas/accuracy/benchmark"
	"nas/blocks"
	"nas/internal/stat"
)

// TestSurrogate: fitted to forty networks, it ranks the others better than the
// baseline, and it knows what it is worth.
func TestSurrogate(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two hundred networks")
	}
	b, err := benchmark.Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	dev, _ := b.Split(benchmark.Development)
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
	e, err := New("surrogate", Options{Trained: trainedNets, NASWOT: Sampling{Batch: 16}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ScoreAll(context.Background(), e, rest, 0)
	if err != nil {
		t.Fatal(err)
	}
	var macs []float64
	for _, n := range rest {
		macs = append(macs, float64(n.Counts().MACs))
	}
	if tau := stat.KendallTau(Values(got), truth); tau < stat.KendallTau(macs, truth)+0.1 {
		t.Errorf("%s: tau %.3f, MACs %.3f", e, tau, stat.KendallTau(macs, truth))
	}
	if _, err := New("surrogate", Options{Trained: trainedNets[:2]}); err == nil ||
		!strings.Contains(err.Error(), "5 trained networks") {
		t.Errorf("two networks: %v", err)
	}
}
