package evaluator

import (
	"context"
	"fmt"

	"nas/accuracy/benchmark"
	"nas/internal/config"
	"nas/internal/profiles"
	"nas/internal/resolve"
	"nas/internal/runstore"
	"nas/space"
)

// References judges the networks of the literature at the input and classes of the config's space, within
// the constraints or not. Those that do not exist at that input, or that cannot be judged, are left
// out. They are classifiers, to which no network with another head is compared.
func (e *Evaluator) References(ctx context.Context, c *config.Config) (rs []runstore.Reference, err error) {
	if c.Space.Head.Kind != space.Classifier.String() {
		return nil, nil
	}
	unlimited := e.withLimits(nil)
	for _, f := range profiles.Families {
		for _, w := range f.Widths {
			spec, net, err := f.Network(w, c)
			if err != nil {
				continue
			}
			r, err := unlimited.Judge(ctx, net)
			if err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				continue
			}
			values := r.Parts
			for k, v := range r.Objectives {
				values[k] = v
			}
			rs = append(rs, runstore.Reference{Family: f.Name, Label: fmt.Sprint(w), Spec: spec, Values: values})
		}
	}
	more, err := e.published(c)
	return append(rs, more...), err
}

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
