package run

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/atomicfile"
)

// classics are the networks that a front is held against, by family: every
// person who reads the plot knows where they stand.
var classics = []struct {
	family, spec string
	widths       []float64
}{
	{"MobileNetV1", "mobilenet_v1", []float64{0.25, 0.5, 0.75, 1}},
	{"MobileNetV2", "mobilenet_v2", []float64{0.35, 0.5, 0.75, 1, 1.4}},
	{"MobileNetV3-Large", "mobilenet_v3_large", []float64{0.5, 0.75, 1}},
	{"MobileNetV3-Small", "mobilenet_v3_small", []float64{0.5, 0.75, 1}},
}

// Reference is a network of the literature, judged by the models of the run.
type Reference struct {
	Family string             `json:"family"`
	Label  string             `json:"label"` // its width
	Spec   string             `json:"spec"`  // for nas show, nas bench
	Values map[string]float64 `json:"values"`
}

// references judges the classics at the input and classes of the space. They
// are stored, because a plot that is drawn again must not need the models.
func (p *pipeline) references(ctx context.Context) ([]Reference, error) {
	path := p.store.Path(ReferencesFile)
	var out []Reference
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &out) == nil {
		return out, nil
	}
	free := p.eval
	free.limits.list = nil // a classic is shown where it stands, within the limits or not
	for _, c := range classics {
		for _, w := range c.widths {
			spec, net, err := p.classic(c.spec, w)
			if err != nil {
				continue // not at this input: no reference, no harm
			}
			r, err := free.judge(ctx, net)
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
			out = append(out, Reference{c.family, fmt.Sprint(w), spec, values})
		}
	}
	data, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return nil, err
	}
	return out, atomicfile.WriteFile(path, append(data, '\n'))
}

// classic makes a network of the zoo at the space's input and classes.
func (p *pipeline) classic(name string, width float64) (string, *blocks.Network, error) {
	in := p.cfg.Space.Input
	spec := fmt.Sprintf("%s@width=%g,res=%dx%d,classes=%d", name, width, in[0], in[1], p.cfg.Space.Classes)
	n, err := zoo.Get(spec)
	return spec, n, err
}
