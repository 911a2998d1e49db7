package twolevel

import (
	"encoding/json"
	"math"

	"nas/accuracy/features"
	"nas/internal/fault"
	"nas/internal/stat"
)

// Model is the fitted estimate as it is stored. The package describes it.
type Model struct {
	Format     string                       `json:"format"`
	Provenance Provenance                   `json:"provenance"`
	Slots      [features.NumSlots]slotScale `json:"slots"` // output stride 2, 4, 8, 16a, 16b, 32a, 32b
	Process    storedProcess                `json:"process"`
	Ceiling    float64                      `json:"ceiling_pct"`
	Intercept  float64                      `json:"intercept"`
	Terms      map[string]HeadTerm          `json:"terms"`
	Recipes    map[string]float64           `json:"recipes"`              // offset of each class to base
	HalfWidth  float64                      `json:"half_width_at_75_pct"` // of the 90 % interval of a level
	Between    float64                      `json:"between_sd_at_75_pct"` // SD that networks of one space do not share

	// AccelHeldOut are the estimates of the networks of the accel table, in its
	// order, by models of the cross-validation that had not seen them.
	AccelHeldOut []float64 `json:"accel_held_out_pct"`

	head [HeadTerms]HeadTerm // Terms, in the order of HeadTermNames
}

// Read returns a model from its stored form.
func Read(text []byte) (*Model, error) {
	m := new(Model)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fault.Errorf("accuracy: imagenet model: %w", err)
	}
	return m, m.Ready()
}

// Provenance says where a model comes from and what it is worth.
type Provenance struct {
	Command   string             `json:"command"`
	Tables    map[string]string  `json:"tables"` // file: rows, SHA-256
	Published int                `json:"published_networks"`
	Accel     int                `json:"accel_networks"`
	Figures   map[string]float64 `json:"figures"`
}

// slotScale standardises the features of a slot and lists its combinations of
// values among the inducing points, standardised.
type slotScale struct {
	Low     [features.PerSlot]float64   `json:"low"` // range in the data; features are clipped to it
	High    [features.PerSlot]float64   `json:"high"`
	Mean    [features.PerSlot]float64   `json:"mean"`
	SD      [features.PerSlot]float64   `json:"sd"`
	Options [][features.PerSlot]float64 `json:"options"`
}

// storedProcess is the process through its inducing points: one kernel, and for
// each target the weights of the points.
type storedProcess struct {
	stat.Kernel
	Points  []SlotOptions                 `json:"points"` // inducing points: the index of an option for each slot
	Targets [ProcessTargets]ProcessTarget `json:"targets"`

	// What a search reads for each candidate, in few bytes.
	inv     [features.SlotFeatures]float64 // 1/length^2
	weights [][ProcessTargets]float64      // of each point
	compact []compactOptions               // Points
}

// The targets of the process. The MACs of a network are known without it: by what they
// exceed the process is what the features do not say of them.
const (
	TargetAccuracy = iota // -ln(ceiling - top-1)
	targetMACs            // log2(MACs/300 M)
	ProcessTargets
)

// LogMACs is the value of targetMACs of a network.
func LogMACs(f *features.Network) float64 { return math.Log2(f.MACs / 300e6) }

// ProcessTarget is mean + sd (offset + slope.x + matern sum of alpha_i M(x, x_i)).
type ProcessTarget struct {
	Mean   float64   `json:"mean"`
	SD     float64   `json:"sd"`
	Offset float64   `json:"offset"`
	Slope  []float64 `json:"slope"` // of the linear part, for each feature
	Alpha  []float64 `json:"alpha"` // of each point
}

// SlotOptions is an inducing point: the index of an option for each slot.
type SlotOptions [features.NumSlots]int

// compactOptions are SlotOptions in one word.
type compactOptions [8]uint8

// HeadTerm is a term of the second level.
type HeadTerm struct {
	Coefficient float64 `json:"coefficient"`
	Low         float64 `json:"low"` // range in the data; the term is clipped to it
	High        float64 `json:"high"`
}

// The terms of the second level.
const (
	TermG     = iota // the process
	TermRes          // log2(resolution/224)
	TermSwish        // share of MACs before a swish or hard-swish
	TermMACs         // log2(MACs/300 M) beyond what the features say of it
	HeadTerms
)

var HeadTermNames = [HeadTerms]string{"process", "log2_resolution", "swish", "macs_beyond"}

const Format = "nas-imagenet-3"

// Ready checks a model that was read and derives what is not stored.
func (m *Model) Ready() error {
	if m.Format != Format {
		return fault.Errorf("accuracy: imagenet model has format %q, this program reads %q", m.Format, Format)
	}
	ok := m.Process.Ready() == nil
	for _, pt := range m.Process.Points {
		for s, o := range pt {
			ok = ok && o >= 0 && o < len(m.Slots[s].Options)
		}
	}
	for k, name := range HeadTermNames {
		t, have := m.Terms[name]
		m.head[k], ok = t, ok && have
	}
	if !ok {
		return errIncomplete
	}
	return nil
}

var errIncomplete = fault.New("accuracy: imagenet model is incomplete; make it again with: make accuracy-model")

// Ready checks a process and lays its weights out for evaluation.
func (p *storedProcess) Ready() error {
	if len(p.Length) != features.SlotFeatures {
		return errIncomplete
	}
	for j, l := range p.Length {
		p.inv[j] = 1 / (l * l)
	}
	p.compact = make([]compactOptions, len(p.Points))
	for i, pt := range p.Points {
		for s, o := range pt {
			if o < 0 || o >= MaxOptions {
				return errIncomplete
			}
			p.compact[i][s] = uint8(o)
		}
	}
	p.weights = make([][ProcessTargets]float64, len(p.Points))
	for k := range p.Targets {
		t := &p.Targets[k]
		if len(t.Slope) != features.SlotFeatures || len(t.Alpha) != len(p.Points) {
			return errIncomplete
		}
		for i, a := range t.Alpha {
			p.weights[i][k] = a
		}
	}
	return nil
}

// Standardise clips the features to the data's range and scales them. outside is
// how far beyond the range they lie in all, in standard deviations.
func (m *Model) Standardise(raw *[features.SlotFeatures]float64) (x [features.SlotFeatures]float64, outside float64) {
	for s := range features.NumSlots {
		sc := &m.Slots[s]
		for f := range features.PerSlot {
			v := raw[s*features.PerSlot+f]
			c := min(max(v, sc.Low[f]), sc.High[f])
			outside += math.Abs(v-c) / sc.SD[f]
			x[s*features.PerSlot+f] = (c - sc.Mean[f]) / sc.SD[f]
		}
	}
	return x, outside
}

// MaxOptions bounds the combinations of a slot, so that distances fit on the stack.
const MaxOptions = 64

// processAt returns the values of the process' targets at standardised features x.
// Squared distances add over the slots, and a slot has few combinations of values: the
// distance to each is computed once, and not for each point.
func (m *Model) processAt(x *[features.SlotFeatures]float64) (v [ProcessTargets]float64) {
	p := &m.Process
	var d [features.NumSlots][MaxOptions]float64
	for s := range features.NumSlots {
		for o := range m.Slots[s].Options {
			opt := &m.Slots[s].Options[o]
			r2 := 0.0
			for f := range features.PerSlot {
				e := x[s*features.PerSlot+f] - opt[f]
				r2 += e * e * p.inv[s*features.PerSlot+f]
			}
			d[s][o] = r2
		}
	}
	const mask = MaxOptions - 1
	weights := p.weights[:len(p.compact)]
	var s0, s1 float64 // an array would not be kept in registers
	for i := range p.compact {
		o := &p.compact[i]
		r2 := ((d[0][o[0]&mask] + d[1][o[1]&mask]) + (d[2][o[2]&mask] + d[3][o[3]&mask])) +
			((d[4][o[4]&mask] + d[5][o[5]&mask]) + d[6][o[6]&mask])
		m, ok := maternCubic.at(r2)
		if !ok {
			m = stat.Matern52(r2)
		}
		w := &weights[i]
		s0 += w[0] * m
		s1 += w[1] * m
	}
	sum := [ProcessTargets]float64{s0, s1}
	for k := range p.Targets {
		t := &p.Targets[k]
		g := t.Offset + p.Matern*sum[k]
		for j, f := range x {
			g += t.Slope[j] * f
		}
		v[k] = t.Mean + t.SD*g
	}
	return v
}

// HeadInputs returns the terms of the second level, not yet clipped.
func (m *Model) HeadInputs(f *features.Network) (in [HeadTerms]float64, outside float64) {
	x, outside := m.Standardise(&f.Slots)
	g, beyond := m.processAt(&x), ExcessPixels(f)
	in[TermG] = g[TargetAccuracy]
	in[TermRes] = math.Log2(f.Resolution/224) - beyond
	in[TermSwish] = f.Swish
	in[TermMACs] = LogMACs(f) - 2*beyond - g[targetMACs]
	return in, outside
}

// Predict returns top-1 in per cent under a class of recipes, and how far the
// network lies outside the data, in standard deviations of the features.
func (m *Model) Predict(f *features.Network, recipe string) (top1, outside float64) {
	in, outside := m.HeadInputs(f)
	v := m.Intercept + m.Recipes[recipe]
	for k, term := range m.head {
		c := min(max(in[k], term.Low), term.High)
		if k > TermG {
			outside += 4 * math.Abs(in[k]-c) / (term.High - term.Low)
		}
		v += term.Coefficient * c
	}
	return m.Ceiling - math.Exp(-v), outside
}

// ErrorScale compares errors at an estimate with those at 75 %: they shrink
// towards 100 %.
func ErrorScale(top1 float64) float64 { return math.Sqrt(max(100-top1, 1) / 25) }

// PixelPoints is what the pixels that do not count would add to an estimate.
func (m *Model) PixelPoints(f *features.Network, top1 float64) float64 {
	x := ExcessPixels(f)
	if x == 0 {
		return 0
	}
	slope := m.head[TermRes].Coefficient + 2*m.head[TermMACs].Coefficient
	return (m.Ceiling - top1) * (1 - math.Exp(-slope*x))
}
