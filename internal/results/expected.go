package results

import (
	"math"

	"nas/accuracy"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
)

// Expectation returns what to expect of the accuracy of a network that was selected for its score,
// in per cent; NaN where nothing is known.
type Expectation func(*search.Result) float64

// ExpectationOf is that of the scores of a config.
func ExpectationOf(c *config.Config) (Expectation, error) {
	if c.Accuracy.Proxy != "imagenet" {
		return func(*search.Result) float64 { return math.NaN() }, nil
	}
	e, err := accuracy.NewImageNet(c.Accuracy.Recipe)
	if err != nil {
		return nil, err
	}
	return func(r *search.Result) float64 {
		v := runstore.FieldOf(runstore.KeyAccuracy).Of(r)
		return e.Expected(v.Mid, v.Low, v.High, runstore.Number(r, runstore.KeyMACs))
	}, nil
}
