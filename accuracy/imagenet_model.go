package accuracy

import (
	"fmt"
	"math"
)

// imagenetModel is the fitted estimate as it is stored: a Gaussian process g on
// 28 features of a network, fitted to networks of one space trained by one short
// recipe, and on top of it a linear model t of published results,
//
//	t     = intercept + sum of coefficient x term + recipe offset
//	top-1 = ceiling - exp(-t)
//
// The terms are g, the log of the resolution, the share of (hard-)swish, and
// what MACs and parameters say beyond the 28 features. Shape effects come from
// the first, level and resolution from the second.
type imagenetModel struct {
	Format     string              `json:"format"`
	Provenance imagenetProvenance  `json:"provenance"`
	Slots      [slots]slotScale    `json:"slots"` // in network order: output stride 2, 4, 8, 16a, 16b, 32a, 32b
	Process    storedProcess       `json:"process"`
	MACs       quadratic           `json:"log2_macs_of_features"`
	Params     quadratic           `json:"log2_conv_params_of_features"`
	Ceiling    float64             `json:"ceiling_pct"`
	Intercept  float64             `json:"intercept"`
	Terms      map[string]headTerm `json:"terms"`
	Recipes    map[string]float64  `json:"recipes"`              // offset of each class to base
	HalfWidth  float64             `json:"half_width_at_75_pct"` // of the 90 % interval of a level
	Between    float64             `json:"between_sd_at_75_pct"` // of what networks of one space do not share

	// AccelHeldOut are the estimates of the networks of the accel table, in its
	// order, by models of the cross-validation that had not seen them.
	AccelHeldOut []float64 `json:"accel_held_out_pct"`

	terms [headTerms]headTerm
}

// imagenetProvenance says where a model comes from and what it is worth.
type imagenetProvenance struct {
	Command   string             `json:"command"`
	Tables    map[string]string  `json:"tables"` // file: rows, SHA-256
	Published int                `json:"published_networks"`
	Accel     int                `json:"accel_networks"`
	Figures   map[string]float64 `json:"figures"`
}

// slotScale standardises the features of a slot and lists its combinations of
// values among the inducing points, standardised.
type slotScale struct {
	Low     [perSlot]float64   `json:"low"` // range in the data; features are clipped to it
	High    [perSlot]float64   `json:"high"`
	Mean    [perSlot]float64   `json:"mean"`
	SD      [perSlot]float64   `json:"sd"`
	Options [][perSlot]float64 `json:"options"`
}

// storedProcess is the process through its inducing points.
type storedProcess struct {
	gpHyper
	Mean   float64     `json:"mean"` // of the target -ln(ceiling - top-1)
	SD     float64     `json:"sd"`
	Points []point7    `json:"points"` // inducing points: the index of an option for each slot
	Alpha  []float64   `json:"alpha"`
	Slope  []float64   `json:"slope"` // of the linear part, for each feature
	Offset float64     `json:"offset"`
	inv    [28]float64 // 1/length^2
}

type point7 [slots]int

// quadratic is a regression on the standardised features and all their products
// of two.
type quadratic struct {
	Intercept float64   `json:"intercept"`
	Linear    []float64 `json:"linear"`
	Product   []float64 `json:"product"` // of features j <= k, j slowest
}

// products is the number of products of two features.
const products = slotFeatures * (slotFeatures + 1) / 2

func (q *quadratic) at(x *[slotFeatures]float64) float64 {
	v := q.Intercept
	row := q.Product
	for j, f := range x {
		sum := q.Linear[j]
		for k, g := range x[j:] {
			sum += g * row[k]
		}
		v += f * sum
		row = row[slotFeatures-j:]
	}
	return v
}

// headTerm is a term of the second level.
type headTerm struct {
	Coefficient float64 `json:"coefficient"`
	Low         float64 `json:"low"` // range in the data; the term is clipped to it
	High        float64 `json:"high"`
}

// The terms of the second level.
const (
	termG      = iota // the process
	termRes           // log2(resolution/224)
	termSwish         // share of MACs before a swish or hard-swish
	termMACs          // log2(MACs/300 M) beyond what the features say of it
	termParams        // log2(parameters but the classifier's/3 M), likewise
	headTerms
)

var headTermNames = [headTerms]string{"process", "log2_resolution", "swish", "macs_beyond", "params_beyond"}

const imagenetFormat = "nas-imagenet-1"

// ready checks a model that was read and derives what is not stored.
func (m *imagenetModel) ready() error {
	if m.Format != imagenetFormat {
		return fmt.Errorf("accuracy: imagenet model has format %q, this program reads %q", m.Format, imagenetFormat)
	}
	p := &m.Process
	ok := len(p.Length) == slotFeatures && len(p.Slope) == slotFeatures && len(p.Points) == len(p.Alpha)
	for _, q := range []*quadratic{&m.MACs, &m.Params} {
		ok = ok && len(q.Linear) == slotFeatures && len(q.Product) == products
	}
	for _, pt := range p.Points {
		for s, o := range pt {
			ok = ok && o >= 0 && o < len(m.Slots[s].Options)
		}
	}
	for k, name := range headTermNames {
		t, have := m.Terms[name]
		m.terms[k], ok = t, ok && have
	}
	if !ok {
		return fmt.Errorf("accuracy: imagenet model is incomplete; make it again with: make accuracy-model")
	}
	for j, l := range p.Length {
		p.inv[j] = 1 / (l * l)
	}
	return nil
}

// standardise clips the features to the data's range and scales them. outside is
// how far beyond the range they lie in all, in standard deviations.
func (m *imagenetModel) standardise(raw *[slotFeatures]float64) (x [slotFeatures]float64, outside float64) {
	for s := range slots {
		sc := &m.Slots[s]
		for f := range perSlot {
			v := raw[s*perSlot+f]
			c := min(max(v, sc.Low[f]), sc.High[f])
			outside += math.Abs(v-c) / sc.SD[f]
			x[s*perSlot+f] = (c - sc.Mean[f]) / sc.SD[f]
		}
	}
	return x, outside
}

// maxOptions bounds the combinations of a slot, so that distances fit on the stack.
const maxOptions = 64

// process returns g. Squared distances add over the slots, and a slot has few
// combinations of values: they are computed once for each, not for each point.
func (m *imagenetModel) process(x *[slotFeatures]float64) float64 {
	p := &m.Process
	var d [slots][maxOptions]float64
	for s := range slots {
		for o := range m.Slots[s].Options {
			opt := &m.Slots[s].Options[o]
			r2 := 0.0
			for f := range perSlot {
				e := x[s*perSlot+f] - opt[f]
				r2 += e * e * p.inv[s*perSlot+f]
			}
			d[s][o] = r2
		}
	}
	sum := 0.0
	for i := range p.Points {
		pt := &p.Points[i]
		r2 := 0.0
		for s, o := range pt {
			r2 += d[s][o&(maxOptions-1)]
		}
		sum += p.Alpha[i] * matern52(r2)
	}
	g := p.Offset + p.Matern*sum
	for j, v := range x {
		g += p.Slope[j] * v
	}
	return p.Mean + p.SD*g
}

// headInputs returns the terms of the second level, not yet clipped.
func (m *imagenetModel) headInputs(t *traits) (in [headTerms]float64, outside float64) {
	x, outside := m.standardise(&t.x)
	in[termG] = m.process(&x)
	in[termRes] = math.Log2(t.resolution / 224)
	in[termSwish] = t.swish
	in[termMACs] = math.Log2(t.macs/300e6) - m.MACs.at(&x)
	in[termParams] = math.Log2(t.convParams/3e6) - m.Params.at(&x)
	return in, outside
}

// estimate returns top-1 in per cent under a class of recipes, and how far the
// network lies outside the data, in standard deviations of the features.
func (m *imagenetModel) estimate(t *traits, r recipe) (top1, outside float64) {
	in, outside := m.headInputs(t)
	v := m.Intercept + m.Recipes[recipeNames[r]]
	for k, term := range m.terms {
		c := min(max(in[k], term.Low), term.High)
		if k > termG {
			outside += 4 * math.Abs(in[k]-c) / (term.High - term.Low)
		}
		v += term.Coefficient * c
	}
	return m.Ceiling - math.Exp(-v), outside
}

// halfWidth of the 90 % interval at an estimate.
func (m *imagenetModel) halfWidth(top1 float64) float64 { return m.HalfWidth * errorScale(top1) }

// between is the standard deviation of what a network at an estimate does not
// share with others of its space.
func (m *imagenetModel) between(top1 float64) float64 { return m.Between * errorScale(top1) }

// errorScale compares errors at an estimate with those at 75 %: they shrink
// towards 100 %.
func errorScale(top1 float64) float64 { return math.Sqrt(max(100-top1, 1) / 25) }
