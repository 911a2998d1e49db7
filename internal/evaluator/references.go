package evaluator

import (
	"context"
	"fmt"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/internal/runstore"
)

// family is a series of networks of the literature that differ in their width multiplier. Every
// reader of a plot knows where they stand, so a front is held against them.
type family struct {
	name, spec string
	widths     []float64
}

var families = []family{
	{"MobileNetV1", "mobilenet_v1", []float64{0.25, 0.5, 0.75, 1}},
	{"MobileNetV2", "mobilenet_v2", []float64{0.35, 0.5, 0.75, 1, 1.4}},
	{"MobileNetV3-Large", "mobilenet_v3_large", []float64{0.5, 0.75, 1}},
	{"MobileNetV3-Small", "mobilenet_v3_small", []float64{0.5, 0.75, 1}},
}

// network makes a network of the family at the input and classes of the config's space.
func (f family) network(width float64, c *config.Config) (spec string, n *blocks.Network, err error) {
	in := c.Space.Input
	spec = fmt.Sprintf("%s@width=%g,res=%dx%d,classes=%d", f.spec, width, in[0], in[1], c.Space.Classes)
	n, err = zoo.Get(spec)
	return spec, n, err
}

// References judges the networks of the literature at the input and classes of the space, within
// the constraints or not. Those that do not exist at that input, or that cannot be judged, are left
// out.
func (s *Setup) References(ctx context.Context) (rs []runstore.Reference, err error) {
	unlimited := s.Unlimited()
	for _, f := range families {
		for _, w := range f.widths {
			spec, net, err := f.network(w, s.Config)
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
	return rs, nil
}
