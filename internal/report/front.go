package report

import (
	"cmp"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"nas/search/pareto"
)

// XY is a point in the units of a figure's axes.
type XY struct{ X, Y float64 }

// Point is a point with an optional interval each way; an interval is there if
// its ends differ.
type Point struct {
	X, Y        float64
	XLow, XHigh float64
	YLow, YHigh float64
}

// Axis describes an objective as an axis. The zero value is a minimised
// objective on a linear scale without a label.
type Axis struct {
	Label    string // with unit and, for a latency, whose it is
	Name     string // one word, such as "latency"
	Unit     string // such as "ms"; may be empty
	Maximize bool
	Log      bool
}

// Reference is a network that people know, by the same two measures.
type Reference struct {
	Group string // a family, such as "MobileNetV2": shares a marker, joined by a thin line; may be empty
	Label string // short where there is a group: "0.75"
	// Published says that Y is a published value and not one by the same measure.
	Published bool
	Point
}

// Constraint is a limit on one of the axes.
type Constraint struct {
	OnY   bool
	Value float64
	Label string
}

// Series is one run.
type Series struct {
	Name       string  // for the legend
	Front      []Point // in any order; what is dominated is drawn as a point only
	Trials     []XY    // feasible ones
	Infeasible []XY
	Expected   []XY // of the members of the front, after selection; empty where nothing is known
}

// Fronts is the main picture: what one run or several found, among all that
// they tried, the classics and the limits.
type Fronts struct {
	Title, Subtitle string
	X, Y            Axis
	Series          []Series
	Constraints     []Constraint
	References      []Reference
	Picks           []Reference // members of a front to be named
	Notes           []string    // below the picture, such as what the score cannot see
	// Unfit is what the trials are that cannot be on the front; "" means infeasible.
	Unfit string
}

// UnfitWord is [Fronts.Unfit] with its default.
func (f Fronts) UnfitWord() string { return cmp.Or(f.Unfit, "infeasible") }

func (f Fronts) layout() (*layout, error) {
	f = f.Finite()
	frame, err := f.frame()
	if err != nil {
		return nil, err
	}
	p := newPlot()
	setRange(&p.X, f.X, frame.xlo, frame.xhi)
	setRange(&p.Y, f.Y, frame.ylo, frame.yhi)
	grid(p, false, true)
	p.Add(frontLayer{f})
	notes := f.Notes
	if n := f.beyond(frame); n > 0 {
		notes = append(slices.Clone(notes),
			fmt.Sprintf("%s of %s trials lie outside the frame.", groupThousands(float64(n)),
				groupThousands(float64(f.trials()))))
	}
	return &layout{width: 9.6 * vg.Inch, height: 6.4 * vg.Inch, title: f.Title, subtitle: f.subtitle(),
		legend: f.legend(), plot: p, xLabel: f.X.Label, yLabel: f.Y.Label, notes: notes}, nil
}

func setRange(a *plot.Axis, of Axis, lo, hi float64) {
	a.Min, a.Max = lo, hi
	if of.Log {
		a.Scale = plot.LogScale{}
		a.Tick.Marker = logTicks{}
	}
}

// groups returns the references' families in order of appearance.
func (f Fronts) groups() []string {
	var gs []string
	for _, r := range f.References {
		if !slices.Contains(gs, r.Group) {
			gs = append(gs, r.Group)
		}
	}
	return gs
}

// referenceLook returns colour and shape of a family. Families take the colours that
// follow those of the series.
func (f Fronts) referenceLook(group int) (color.RGBA, marker) {
	return shade(seriesColor(max(1, len(f.Series))+group), 0.12), markers[group%len(markers)]
}

func (f Fronts) legend() []legendEntry {
	var es []legendEntry
	for i, s := range f.Series {
		name := s.Name
		if name == "" {
			name = "front"
		}
		es = append(es, legendEntry{fmt.Sprintf("%s (%d)", name, len(s.Front)), func(c *draw.Canvas, b vg.Rectangle) {
			m := center(b)
			c.StrokeLine2(f.frontLine(i), b.Min.X, m.Y, b.Max.X, m.Y)
			drawMarker(c, f.frontMarker(i), m, frontRadius, f.frontColor(i))
		}})
	}
	if i := slices.IndexFunc(f.Series, func(s Series) bool { return len(s.Expected) > 0 }); i >= 0 {
		es = append(es, legendEntry{"expected after selection", func(c *draw.Canvas, b vg.Rectangle) {
			c.StrokeLine2(f.expectedLine(i), b.Min.X, center(b).Y, b.Max.X, center(b).Y)
		}})
	}
	n, bad := 0, 0
	for _, s := range f.Series {
		n, bad = n+len(s.Trials), bad+len(s.Infeasible)
	}
	if n > 0 {
		es = append(es, legendEntry{fmt.Sprintf("tried (%s)", groupThousands(float64(n))),
			func(c *draw.Canvas, b vg.Rectangle) {
				m := center(b)
				for i, s := range f.cloudSample() {
					drawCloud(c, []vg.Point{{X: m.X + vg.Length(i-1)*6, Y: m.Y}}, trialRadius*1.2, [3]color.RGBA{s, s, s})
				}
			}})
	}
	if bad > 0 {
		es = append(es, legendEntry{fmt.Sprintf("%s (%s)", f.UnfitWord(), groupThousands(float64(bad))),
			func(c *draw.Canvas, b vg.Rectangle) {
				drawCrosses(c, []vg.Point{center(b)}, 2.4, crossInk)
			}})
	}
	for g, name := range f.groups() {
		if name == "" {
			continue
		}
		es = append(es, legendEntry{name, func(c *draw.Canvas, b vg.Rectangle) {
			ink, m := f.referenceLook(g)
			drawMarker(c, m, center(b), referenceRadius, ink)
		}})
	}
	return es
}

const (
	frontRadius     = 3.1
	trialRadius     = 1.5
	referenceRadius = 3.6
)

func (f Fronts) frontColor(i int) color.RGBA { return shade(seriesColor(i), 0.2) }
func (f Fronts) cloudColor(i int) color.RGBA {
	if len(f.Series) == 1 {
		return rgb(0x4A6D8C) // a greyer blue than the front's
	}
	return seriesColor(i)
}

// cloudSample returns three colours for the legend: the shades of one run's
// trials, or the colours of the first runs.
func (f Fronts) cloudSample() [3]color.RGBA {
	if len(f.Series) == 1 {
		return cloudShades(f.cloudColor(0))
	}
	var s [3]color.RGBA
	for i := range s {
		s[i] = cloudShades(f.cloudColor(i % len(f.Series)))[2]
	}
	return s
}

func (f Fronts) frontLine(i int) draw.LineStyle {
	dashes := [][]vg.Length{nil, {6, 2.5}, {2, 2}, {8, 2, 2, 2}}
	return line(1.7, f.frontColor(i), dashes[i%len(dashes)]...)
}

func (f Fronts) expectedLine(i int) draw.LineStyle { return line(1.5, f.frontColor(i), 1.5, 2.5) }

func (f Fronts) frontMarker(i int) marker {
	if i == 0 {
		return disc
	}
	return markers[(i+1)%len(markers)]
}

// steps returns the distinct points that no other dominates, by x.
func (f Fronts) steps(ps []Point) []Point {
	sx, sy := 1.0, 1.0
	if f.X.Maximize {
		sx = -1
	}
	if f.Y.Maximize {
		sy = -1
	}
	costs := make([][]float64, len(ps))
	for i, p := range ps {
		costs[i] = []float64{sx * p.X, sy * p.Y}
	}
	front := pareto.DistinctFront(costs)
	out := make([]Point, len(front))
	for k, i := range front {
		out[k] = ps[i]
	}
	return out
}
