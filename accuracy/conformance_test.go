package accuracy_test

import (
	"testing"

	"nas/accuracy"
	"nas/accuracy/accuracytest"
	"nas/accuracy/benchmark"
	"nas/blocks"
)

// TestConformance takes every estimator through the suite: each name, and combinations
// of which each part sees what the other does not.
func TestConformance(t *testing.T) {
	for i, name := range append(accuracy.Names(), "rankmean(naswot,depth)", "rankmean(imagenet,params)") {
		if name == "rankmean(...)" || testing.Short() && i%3 != 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			scales := map[uint64]*accuracy.Scale{} // by seed: the sample is scored once
			accuracytest.Conformance(t, func(seed uint64) (accuracy.Estimator, error) {
				o := accuracy.Options{Seed: seed, Scale: scales[seed]}
				switch {
				case name == "surrogate":
					o.Trained = trainedProbes(t)
				case accuracy.NeedsReference(name) && o.Scale == nil:
					o.Reference = referenceSample(t)
				}
				e, err := accuracy.New(name, o)
				if r, ok := e.(accuracy.ScaledEstimator); ok {
					scales[seed] = r.Scale()
				}
				return e, err
			})
		})
	}
}

func referenceSample(t *testing.T) []*blocks.Network {
	b, err := benchmark.Open("accel")
	if err != nil {
		t.Fatal(err)
	}
	var nets []*blocks.Network
	for _, r := range b.Rows[:16] {
		nets = append(nets, r.Network)
	}
	return nets
}

// trainedProbes gives the probes accuracies that grow with their parameters.
func trainedProbes(t *testing.T) []accuracy.TrainedNetwork {
	nets, err := accuracytest.Probes()
	if err != nil {
		t.Fatal(err)
	}
	var trained []accuracy.TrainedNetwork
	for _, n := range nets {
		top1 := 50 + 10*float64(n.Counts().Params)/float64(nets[0].Counts().Params)
		trained = append(trained, accuracy.TrainedNetwork{Network: n, Top1Pct: top1})
	}
	return trained
}
