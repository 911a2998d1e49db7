package judge

import (
	"nas/accuracy/benchmark"
	"nas/accuracy/imagenet"
	"nas/accuracy/internal/fit"
	"nas/internal/fault"
)

// heldOutEstimates are estimates of a benchmark's networks by fitted models that had
// not seen them.
type heldOutEstimates struct {
	values []float64 // of each row of the benchmark
	note   string    // says what the models had not seen
	// mae and coverage, in per cent, compare the estimates and their intervals with
	// the trained accuracies; nil where the levels do not compare.
	mae, coverage *float64
}

// heldOut lists the benchmarks whose networks the fitted estimate was fitted to. It is
// judged on them by the estimates of other models.
var heldOut = map[string]func(*benchmark.Benchmark) (heldOutEstimates, error){
	"accel": accelHeldOut, "grids": gridsHeldOut, "published": publishedHeldOut,
}

// accelHeldOut returns the estimates from the cross-validation of the stored model.
func accelHeldOut(b *benchmark.Benchmark) (heldOutEstimates, error) {
	m, err := imagenet.Load()
	if err != nil {
		return heldOutEstimates{}, err
	}
	if len(m.AccelHeldOut) != len(b.Rows) {
		return heldOutEstimates{},
			fault.Errorf("accuracy: the imagenet model was fitted to another table; make it again with: make accuracy-model")
	}
	note := "estimates of the five folds' models, each fitted without the network"
	return heldOutEstimates{values: m.AccelHeldOut, note: note}, nil
}

// publishedHeldOut returns the estimates of models fitted without the network's family.
func publishedHeldOut(b *benchmark.Benchmark) (heldOutEstimates, error) {
	out, err := fit.EstimatePublished()
	if err != nil {
		return heldOutEstimates{}, err
	}
	values, err := valuesOf(b, out, func(r *benchmark.Row) string { return r.ID })
	note := "estimates of models fitted without the network's family, recipe class given"
	return heldOutEstimates{values, note, &out.MAEPct, &out.CoveragePct}, err
}

// gridsHeldOut does the same for the grids, whose networks are among the published ones.
func gridsHeldOut(b *benchmark.Benchmark) (heldOutEstimates, error) {
	out, err := fit.EstimatePublished()
	if err != nil {
		return heldOutEstimates{}, err
	}
	values, err := valuesOf(b, out, func(r *benchmark.Row) string { return r.Network.Name + " " + r.Recipe })
	return heldOutEstimates{values: values, note: "estimates of models fitted without the network's family"}, err
}

// valuesOf looks up the estimate of each row by the id that it has among the published results.
func valuesOf(b *benchmark.Benchmark, out fit.Published, id func(*benchmark.Row) string) ([]float64, error) {
	values := make([]float64, len(b.Rows))
	for i := range b.Rows {
		v, ok := out.Top1Pct[id(&b.Rows[i])]
		if !ok {
			return nil, fault.Errorf("accuracy: benchmark %s: there is no estimate of %s by a model that had not seen it",
				b.Name, b.Rows[i].ID)
		}
		values[i] = v
	}
	return values, nil
}
