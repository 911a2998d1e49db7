package evaluator

import (
	"nas/accuracy/benchmark"
	"nas/internal/config"
	"nas/internal/resolve"
	"nas/internal/runstore"
)

// published are the networks of the published frontier, which stand at the accuracy that was
// published and at the latency that is predicted; none where the score is another quantity.
func (e *Evaluator) published(c *config.Config) (rs []runstore.Reference, err error) {
	if c.Accuracy.Proxy != "imagenet" || c.Space.Classes != 1000 {
		return nil, nil
	}
	rows, err := benchmark.Frontier()
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		n, err := resolve.NetworkOf(row.Network)
		if err != nil {
			return nil, err
		}
		r, err := e.cheapValues(n)
		if err != nil {
			continue // the device cannot run it
		}
		values := r.Parts
		for k, v := range r.Objectives {
			values[k] = v
		}
		values[runstore.KeyAccuracy] = row.Top1Pct
		rs = append(rs, runstore.Reference{
			Family: runstore.PublishedFamily, Label: row.Name, Spec: row.Network, Values: values,
		})
	}
	return rs, nil
}
