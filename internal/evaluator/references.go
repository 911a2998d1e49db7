package evaluator

import (
	"context"
	"fmt"

	"nas/internal/config"
	"nas/internal/runstore"
)

// References judges the networks of the literature at the input and classes of the config's space, within
// the constraints or not. Those that do not exist at that input, or that cannot be judged, are left
// out.
func (e *Evaluator) References(ctx context.Context, c *config.Config) (rs []runstore.Reference, err error) {
	unlimited := e.withLimits(nil)
	for _, f := range families {
		for _, w := range f.widths {
			spec, net, err := f.network(w, c)
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
			rs = append(rs, runstore.Reference{Family: f.name, Label: fmt.Sprint(w), Spec: spec, Values: values})
		}
	}
	more, err := e.published(c)
	return append(rs, more...), err
}
