package latency

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nas/blocks"
	"nas/blocks/engine"
)

// Where a kernel's time comes from.
const (
	SourceTable   = "table"   // it was timed on the device
	SourceModel   = "model"   // from units of its kind
	SourceUnknown = "unknown" // from units of other kinds, or far from its own
)

// Estimate is a predicted latency.
type Estimate struct {
	LatencyMs float64 `json:"latency_ms"`
	// LowMs and HighMs hold the measured time of 90 % of networks like those of
	// the calibration.
	LowMs    float64  `json:"low_ms"`
	HighMs   float64  `json:"high_ms"`
	Kernels  []Kernel `json:"kernels"`  // in the order of their first call
	Warnings []string `json:"warnings"` // never nil
}

// Kernel is one row of an estimate: equal units together.
type Kernel struct {
	Name   string  `json:"name"`   // the routine, as in engine.Unit
	Shape  string  `json:"shape"`  // the rest of the unit's key
	Ms     float64 `json:"ms"`     // of all calls together
	Count  int     `json:"count"`  // of calls
	Source string  `json:"source"` // SourceTable, SourceModel or SourceUnknown
	// Stage and Block are the place of each call, in order of the calls.
	Places [][2]int    `json:"-"`
	Unit   engine.Unit `json:"-"`
}

// Predictor predicts from a profile. It is safe for concurrent use.
type Predictor struct {
	p       *Profile
	target  engine.Target
	network *NetworkModel
	kinds   map[string]*KindModel
	sum     *SumModel // nil: none
	// known has the units of the profile's table and, since a search asks for the
	// same ones over and over, what the models said of others.
	known *unitTable
	// from, if not nil, predicts for another device; here a unit takes factor of
	// its kind times as long. The kinds are not asked then.
	from   *Predictor
	factor func(kind string) float64
}

// cost is the time of one call.
type cost struct {
	ms, var2 float64 // var2: square of the standard deviation in ms
	weights  int64
	source   uint8 // index into sources
	group    uint8
	outside  string
}

var sources = [...]string{SourceTable, SourceModel, SourceUnknown}

// Predictor makes the profile ready to predict. If the models stored were made
// from terms or features that this program does not have, they are fitted anew
// from the measurements.
func (p *Profile) Predictor() (*Predictor, error) {
	kinds := make(map[string]*KindModel, len(p.Kinds))
	for _, k := range p.Kinds {
		c := *k
		ok, err := c.restore(p.Units, &p.Device.Target)
		if err != nil {
			return nil, err
		}
		if !ok {
			if kinds, err = fitKinds(p.Units, &p.Device.Target, nil); err != nil {
				return nil, err
			}
			break
		}
		kinds[c.Kind] = &c
	}
	r := newPredictor(p, kinds)
	r.sum = p.restoreSums()
	r.network = new(NetworkModel)
	*r.network = *p.Network
	hs, _ := p.sums(r)
	if err := r.network.restore(hs); err != nil {
		return nil, err
	}
	return r, nil
}

// newPredictor uses models that are ready to predict.
func newPredictor(p *Profile, kinds map[string]*KindModel) *Predictor {
	r := &Predictor{p: p, network: p.Network, target: p.Device.Target, kinds: kinds, known: newUnitTable(len(p.Units))}
	for _, row := range slices.Backward(p.Units) { // of equal rows the last one counts
		u, sd := &row.Unit, row.Ms*row.Spread
		r.known.put(u, cost{ms: row.Ms, var2: sd * sd, weights: u.BytesWeights(), group: groupOf[kindOf(u)]})
	}
	return r
}

// Device returns what the predictions are for.
func (r *Predictor) Device() Device { return r.p.Device }

// Target returns the target that a network must be compiled for.
func (r *Predictor) Target() engine.Target { return r.target }

// Predict lowers a network for the profile's target and predicts its latency. The
// error is that the network cannot be lowered; of what was never measured there are
// warnings and a wide interval.
func (r *Predictor) Predict(n *blocks.Network) (Estimate, error) {
	calls, err := r.p.Device.Calls(n)
	if err != nil {
		return Estimate{}, err
	}
	return r.PredictCalls(calls), nil
}

// PredictCalls predicts from the calls of a plan made for the profile's target.
func (r *Predictor) PredictCalls(calls []engine.Call) Estimate {
	var s sums
	var e Estimate
	at := make(map[engine.Unit]int, len(calls))
	far := map[string]bool{} // warnings of units
	e.Warnings = []string{}
	for i := range calls {
		u := &calls[i].Unit
		c := r.cost(u)
		s.add(c)
		k, ok := at[*u]
		if !ok {
			k = len(e.Kernels)
			at[*u] = k
			name, shape, _ := strings.Cut(u.Key(), " ")
			e.Kernels = append(e.Kernels, Kernel{Name: name, Shape: shape, Source: sources[c.source], Unit: *u})
			if w := c.warning(u); w != "" {
				far[w] = true
			}
		}
		e.Kernels[k].Ms += c.ms
		e.Kernels[k].Count++
		e.Kernels[k].Places = append(e.Kernels[k].Places, [2]int{calls[i].Stage, calls[i].Block})
	}
	r.finish(&e, &s, far)
	return e
}

// OutsideMeasured begins the warning of an estimate whose whole lies where the
// profile has measured no network: the interval is no more than a guess there.
const OutsideMeasured = "the latency is outside of what was measured"

// finish fills in what follows from the sums, and the warnings: those of the
// units, and those of the whole.
func (r *Predictor) finish(e *Estimate, s *sums, far map[string]bool) {
	e.Warnings = append(e.Warnings, slices.Sorted(maps.Keys(far))...)
	e.LatencyMs, e.LowMs, e.HighMs = r.network.predict(s)
	if m := r.network; m.HeldOut < 20 {
		e.Warnings = append(e.Warnings, fmt.Sprintf("the interval rests on %d measured network(s) only", m.HeldOut))
	} else if e.LatencyMs > 2*m.HighMs || e.LatencyMs < m.LowMs/2 {
		e.Warnings = append(e.Warnings, fmt.Sprintf(OutsideMeasured+" (%.3g to %.3g ms)", m.LowMs, m.HighMs))
	}
}

// sizes are features in words, where their names are none.
var sizes = map[string]string{
	"in": "number of input channels", "out": "number of output channels", "act": "activation", "mid_act": "activation", "dw_act": "activation",
	"shrink": "ratio of input to output pixels", "set_l2": "memory beside the second-level cache", "stem_kernel": "stem's kernel",
	"width_fill": "width", "out_fill": "number of output channels", "mid_fill": "number of expanded channels", "inside": "padding",
	"in_ragged": "number of input channels", "out_ragged": "number of output channels", "mid_ragged": "number of expanded channels",
}

// warning says why the cost of u deserves less trust than others, or "".
func (c *cost) warning(u *engine.Unit) string {
	switch {
	case c.outside != "":
		what := c.outside
		if w, ok := sizes[what]; ok {
			what = w
		}
		return fmt.Sprintf("%s: its %s is outside of what was measured", kindOf(u), what)
	case c.source == 2:
		return kindOf(u) + ": no unit of this kind was measured; its time is a guess"
	}
	return ""
}

// Latency is PredictCalls without the parts: the latency and its interval in ms.
// It allocates nothing once every unit has been asked for.
func (r *Predictor) Latency(calls []engine.Call) (ms, low, high float64) {
	var s sums
	for i := range calls {
		s.add(r.cost(&calls[i].Unit))
	}
	return r.network.predict(&s)
}

func (s *sums) add(c *cost) {
	s.ms += c.ms
	s.var2 += c.var2
	s.calls++
	s.weights += c.weights
	s.groups[c.group] += c.ms
	if c.source > 0 {
		s.guess += c.ms
	}
	if c.source == 2 {
		s.unknown++
	}
}

// cost returns the time of a unit: from the table, from its kind's model, or
// from the model of all kinds. The caller must not change it.
func (r *Predictor) cost(u *engine.Unit) *cost {
	if c := r.known.get(u); c != nil {
		return c
	}
	return r.known.put(u, r.guess(u))
}

func (r *Predictor) guess(u *engine.Unit) cost {
	if r.from != nil {
		c := *r.from.cost(u)
		f := r.factor(kindOf(u))
		c.ms *= f
		c.var2 *= f * f
		if c.source == 0 {
			c.var2 += c.ms * c.ms * otherDevice * otherDevice
		}
		return c
	}
	c := cost{weights: u.BytesWeights(), source: 1, group: groupOf[kindOf(u)]}
	var sd float64
	if m, ok := r.kinds[kindOf(u)]; ok {
		c.ms, sd, c.outside = m.predict(u, &r.target)
		if r.sum != nil {
			if ms, ok := r.sum.predict(u, r.kinds, &r.target); ok {
				c.ms = ms
			}
		}
		if c.outside != "" && sd > unknownSpread/2 {
			c.source = 2
		}
	} else if m, ok := r.kinds[anyKind]; ok {
		c.ms, _, _ = m.predict(u, &r.target)
		sd, c.source = unknownSpread, 2
	} else {
		// Not one unit was ever measured: a nanosecond for eight multiply-accumulates
		// and for four bytes moved.
		c.ms = (float64(u.MACs())/8 + float64(u.BytesIn()+u.BytesOut()+u.BytesWeights())/4) / 1e6
		sd, c.source = 1, 2
	}
	c.var2 = c.ms * c.ms * sd * sd
	return c
}
