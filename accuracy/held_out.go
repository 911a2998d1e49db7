package accuracy

import "fmt"

// heldOutEstimates are estimates of a benchmark's networks by fitted models that had
// not seen them.
type heldOutEstimates struct {
	values []float64 // of each row of the benchmark
	note   string    // says what the models had not seen
	// mae and coverage, in per cent, compare the estimates and their intervals with
	// the trained accuracies; nil where the levels do not compare.
	mae, coverage *float64
}

// heldOut maps benchmarks that the fitted estimate was fitted to to the estimates
// by which it is judged on them.
var heldOut = map[string]func(*Benchmark) (heldOutEstimates, error){
	"accel": accelHeldOut, "grids": gridsHeldOut, "published": publishedHeldOut,
}

// accelHeldOut takes the estimates that the stored model keeps of its cross-validation.
func accelHeldOut(b *Benchmark) (heldOutEstimates, error) {
	m, err := loadImageNet()
	if err != nil {
		return heldOutEstimates{}, err
	}
	if len(m.AccelHeldOut) != len(b.Rows) {
		return heldOutEstimates{}, fmt.Errorf("accuracy: the imagenet model was fitted to another table; make it again with: make accuracy-model")
	}
	return heldOutEstimates{values: m.AccelHeldOut, note: "estimates of the five folds' models, each fitted without the network"}, nil
}

// publishedHeldOut fits models without one family at a time.
func publishedHeldOut(b *Benchmark) (heldOutEstimates, error) {
	out, err := publishedLeftOut()
	if err != nil {
		return heldOutEstimates{}, err
	}
	mae, _ := familyMAE(out)
	coverage := coveragePct(out)
	h := heldOutEstimates{note: "estimates of models fitted without the network's family, recipe class given", mae: &mae, coverage: &coverage}
	return h, h.take(b, out)
}

// gridsHeldOut does the same for networks that are among the published ones.
func gridsHeldOut(b *Benchmark) (heldOutEstimates, error) {
	out, err := publishedLeftOut()
	if err != nil {
		return heldOutEstimates{}, err
	}
	h := heldOutEstimates{note: "estimates of models fitted without the network's family"}
	return h, h.take(b, out)
}

// take looks up the estimate of each row by its network and recipe, which make the
// id of a published result.
func (h *heldOutEstimates) take(b *Benchmark, out []leftOut) error {
	estimates := make(map[string]float64, len(out))
	for _, r := range out {
		estimates[r.id] = r.estimate
	}
	for _, r := range b.Rows {
		v, ok := estimates[r.Network.Name+" "+r.Recipe]
		if !ok {
			return fmt.Errorf("accuracy: benchmark %s: there is no estimate of %s by a model that had not seen it", b.Name, r.ID)
		}
		h.values = append(h.values, v)
	}
	return nil
}

// publishedLeftOut returns the estimates of the published networks by models that
// had not seen their families.
func publishedLeftOut() ([]leftOut, error) {
	m, err := loadImageNet()
	if err != nil {
		return nil, err
	}
	rows, err := publishedTrained()
	if err != nil {
		return nil, err
	}
	return leaveFamiliesOut(m, classesFixedBefore(rows))
}
