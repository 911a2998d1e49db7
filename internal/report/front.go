package report

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
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
}

func (f Fronts) page() (*page, error) {
	f = f.finite()
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
		notes = append(slices.Clone(notes), fmt.Sprintf("%s of %s trials lie outside the frame.", thousands(float64(n)), thousands(float64(f.trials()))))
	}
	return &page{width: 9.6 * vg.Inch, height: 6.4 * vg.Inch, title: f.Title, subtitle: f.subtitle(),
		legend: f.legend(), plot: p, xLabel: f.X.Label, yLabel: f.Y.Label, notes: notes}, nil
}

func setRange(a *plot.Axis, of Axis, lo, hi float64) {
	a.Min, a.Max = lo, hi
	if of.Log {
		a.Scale = plot.LogScale{}
		a.Tick.Marker = logTicks{}
	}
}

// subtitle is the one given, and how the front does against the references.
func (f Fronts) subtitle() string {
	if v := f.Verdict(); v != "" {
		if f.Subtitle == "" {
			return v
		}
		return f.Subtitle + ". " + v
	}
	return f.Subtitle
}

// Verdict says in a sentence how the first series' front stands to the reference
// networks: how many of them it dominates, and at what x it matches the y of the
// best that it can match. It is empty where there is nothing to compare.
func (f Fronts) Verdict() string {
	if len(f.Series) != 1 || len(f.References) == 0 || len(f.Series[0].Front) == 0 {
		return ""
	}
	sx, sy := 1.0, 1.0
	if f.X.Maximize {
		sx = -1
	}
	if f.Y.Maximize {
		sy = -1
	}
	front := f.steps(f.Series[0].Front)
	// at returns the first member, by x, that is at least as good as y.
	at := func(y float64) (Point, bool) {
		i := slices.IndexFunc(front, func(p Point) bool { return sy*p.Y <= sy*y })
		if i < 0 {
			return Point{}, false
		}
		return front[i], true
	}
	dominated := 0
	var best *Reference
	var match Point
	for i := range f.References {
		r := &f.References[i]
		m, ok := at(r.Y)
		if !ok {
			continue
		}
		if sx*m.X <= sx*r.X && (m.X != r.X || m.Y != r.Y) {
			dominated++
		}
		if best == nil || sy*r.Y < sy*best.Y {
			best, match = r, m
		}
	}
	text := fmt.Sprintf("By these measures the front dominates %d of %d reference networks", dominated, len(f.References))
	if best == nil || f.X.Name == "" || f.X.Maximize || best.X <= 0 {
		return text
	}
	name := best.Label
	if best.Group != "" {
		name = best.Group + " " + best.Label
	}
	change := 100 * (match.X/best.X - 1)
	word := "less"
	if change > 0 {
		word = "more"
	}
	return fmt.Sprintf("%s; %s is matched with %.0f %% %s %s", text, name, math.Abs(change), word, f.X.Name)
}

// finite returns f without points that have no place on the axes.
func (f Fronts) finite() Fronts {
	on := func(v float64, a Axis) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.Log || v > 0) }
	ok := func(x, y float64) bool { return on(x, f.X) && on(y, f.Y) }
	keep := func(ps []XY) []XY {
		return slices.DeleteFunc(slices.Clone(ps), func(p XY) bool { return !ok(p.X, p.Y) })
	}
	refs := func(rs []Reference) []Reference {
		return slices.DeleteFunc(slices.Clone(rs), func(r Reference) bool { return !ok(r.X, r.Y) })
	}
	f.Series = slices.Clone(f.Series)
	for i := range f.Series {
		s := &f.Series[i]
		s.Trials, s.Infeasible = keep(s.Trials), keep(s.Infeasible)
		s.Front = slices.DeleteFunc(slices.Clone(s.Front), func(p Point) bool { return !ok(p.X, p.Y) })
	}
	f.Constraints = slices.DeleteFunc(slices.Clone(f.Constraints), func(k Constraint) bool {
		a := f.X
		if k.OnY {
			a = f.Y
		}
		return !on(k.Value, a)
	})
	f.References, f.Picks = refs(f.References), refs(f.Picks)
	return f
}

type frame struct{ xlo, xhi, ylo, yhi float64 }

func (fr frame) holds(p XY) bool {
	return p.X >= fr.xlo && p.X <= fr.xhi && p.Y >= fr.ylo && p.Y <= fr.yhi
}

// frame returns the range of the axes: all of the fronts and references, and
// the trials but for the outermost 1 % on the bad side of each axis. Infeasible
// trials have no say, or the worst of them would squeeze what matters.
func (f Fronts) frame() (frame, error) {
	var xs, ys, tx, ty []float64
	add := func(p Point) {
		xs, ys = append(xs, p.X), append(ys, p.Y)
		if p.XLow < p.XHigh && (!f.X.Log || p.XLow > 0) {
			xs = append(xs, p.XLow, p.XHigh)
		}
		if p.YLow < p.YHigh && (!f.Y.Log || p.YLow > 0) {
			ys = append(ys, p.YLow, p.YHigh)
		}
	}
	for _, s := range f.Series {
		for _, p := range s.Front {
			add(p)
		}
		for _, t := range s.Trials {
			tx, ty = append(tx, t.X), append(ty, t.Y)
		}
	}
	if len(xs) == 0 && len(tx) == 0 {
		return frame{}, errors.New("there is no feasible trial to draw")
	}
	for _, r := range f.References {
		add(r.Point)
	}
	for _, c := range f.Constraints {
		if !c.OnY && len(xs) > 0 && c.Value < 1.3*slices.Max(xs) {
			xs = append(xs, c.Value)
		}
	}
	xs, ys = append(xs, central(tx, f.X.Maximize)...), append(ys, central(ty, f.Y.Maximize)...)
	xlo, xhi := pad(slices.Min(xs), slices.Max(xs), f.X.Log)
	ylo, yhi := pad(slices.Min(ys), slices.Max(ys), f.Y.Log)
	return frame{xlo, xhi, ylo, yhi}, nil
}

// central returns the best value and the one which 1 % of all are worse than.
func central(v []float64, maximize bool) []float64 {
	if len(v) == 0 {
		return nil
	}
	v = slices.Clone(v)
	slices.Sort(v)
	cut := len(v) / 100
	if maximize {
		return []float64{v[cut], v[len(v)-1]}
	}
	return []float64{v[0], v[len(v)-1-cut]}
}

// pad widens a range by a few per cent, and an empty one to something visible.
func pad(lo, hi float64, log bool) (float64, float64) {
	if log {
		lo, hi = pad(math.Log(lo), math.Log(hi), false)
		return math.Exp(lo), math.Exp(hi)
	}
	d := 0.045 * (hi - lo)
	if d == 0 {
		d = max(math.Abs(hi)*0.05, 1e-6)
	}
	if lo >= 0 && lo-d < 0 {
		return 0, hi + d
	}
	return lo - d, hi + d
}

func (f Fronts) trials() int {
	n := 0
	for _, s := range f.Series {
		n += len(s.Trials) + len(s.Infeasible)
	}
	return n
}

func (f Fronts) beyond(fr frame) int {
	n := 0
	for _, s := range f.Series {
		for _, ps := range [][]XY{s.Trials, s.Infeasible} {
			for _, p := range ps {
				if !fr.holds(p) {
					n++
				}
			}
		}
	}
	return n
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

// referenceLook returns colour and shape of a family. Families take colours from
// where the series end.
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
	n, bad := 0, 0
	for _, s := range f.Series {
		n, bad = n+len(s.Trials), bad+len(s.Infeasible)
	}
	if n > 0 {
		es = append(es, legendEntry{fmt.Sprintf("tried (%s)", thousands(float64(n))), func(c *draw.Canvas, b vg.Rectangle) {
			m := center(b)
			for i, s := range f.cloudSample() {
				drawCloud(c, []vg.Point{{X: m.X + vg.Length(i-1)*6, Y: m.Y}}, trialRadius*1.2, [3]color.RGBA{s, s, s})
			}
		}})
	}
	if bad > 0 {
		es = append(es, legendEntry{fmt.Sprintf("infeasible (%s)", thousands(float64(bad))), func(c *draw.Canvas, b vg.Rectangle) {
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

func (f Fronts) frontMarker(i int) marker {
	if i == 0 {
		return disc
	}
	return markers[(i+1)%len(markers)]
}

// steps returns the indices of the points that no other dominates, by x.
func (f Fronts) steps(ps []Point) []Point {
	sx, sy := 1.0, 1.0
	if f.X.Maximize {
		sx = -1
	}
	if f.Y.Maximize {
		sy = -1
	}
	ps = slices.Clone(ps)
	slices.SortStableFunc(ps, func(a, b Point) int {
		return cmp.Or(cmp.Compare(sx*a.X, sx*b.X), cmp.Compare(sy*a.Y, sy*b.Y))
	})
	best := math.Inf(1)
	return slices.DeleteFunc(ps, func(p Point) bool {
		if sy*p.Y >= best {
			return true
		}
		best = sy * p.Y
		return false
	})
}

// staircase returns the boundary of what the points dominate, from the edge of
// the canvas to its other edge.
func (f Fronts) staircase(ps []Point, at func(XY) vg.Point, c vg.Rectangle) []vg.Point {
	var out []vg.Point
	badY, badX := c.Min.Y, c.Max.X
	if !f.Y.Maximize {
		badY = c.Max.Y
	}
	if f.X.Maximize {
		badX = c.Min.X
	}
	for i, p := range f.steps(ps) {
		pt := at(XY{p.X, p.Y})
		if i == 0 {
			out = append(out, vg.Point{X: pt.X, Y: badY})
		} else {
			out = append(out, vg.Point{X: pt.X, Y: out[len(out)-1].Y})
		}
		out = append(out, pt)
	}
	if len(out) > 0 {
		out = append(out, vg.Point{X: badX, Y: out[len(out)-1].Y})
	}
	return out
}

// frontLayer draws the data of a Fronts.
type frontLayer struct{ f Fronts }

func (l frontLayer) Plot(c draw.Canvas, p *plot.Plot) {
	f := l.f
	tx, ty := p.Transforms(&c)
	at := func(v XY) vg.Point { return vg.Point{X: tx(v.X), Y: ty(v.Y)} }
	visible := func(vs []XY) []vg.Point {
		var out []vg.Point
		for _, v := range vs {
			if pt := at(v); c.Contains(pt) {
				out = append(out, pt)
			}
		}
		return out
	}
	for _, s := range f.Series {
		drawCrosses(&c, visible(s.Infeasible), 1.5, crossInk)
	}
	for i, s := range f.Series {
		drawCloud(&c, visible(s.Trials), trialRadius, cloudShades(f.cloudColor(i)))
	}

	var labels []label
	var obstacles []vg.Point
	allowed := c.Rectangle // where the dominated region ends
	for _, k := range f.Constraints {
		labels = append(labels, l.constraint(&c, k, tx, ty, &obstacles)...)
		if !k.OnY && !f.X.Maximize {
			allowed.Max.X = min(allowed.Max.X, tx(k.Value))
		}
	}
	for i, s := range f.Series {
		stairs := f.staircase(s.Front, at, allowed)
		obstacles = append(obstacles, along(stairs, 4)...)
		thinBar := line(0.8, tint(f.frontColor(i), 0.55))
		every := 1 + len(s.Front)/50
		for k := 0; k < len(s.Front); k += every {
			l.interval(&c, s.Front[k], at, thinBar)
		}
		c.StrokeLines(f.frontLine(i), c.ClipLinesXY(stairs)...)
	}
	for i, s := range f.Series {
		r := vg.Length(frontRadius)
		if len(s.Front) > 60 {
			r = 2.3
		}
		var pts []vg.Point
		for _, m := range s.Front {
			pts = append(pts, at(XY{m.X, m.Y}))
		}
		drawMarkers(&c, f.frontMarker(i), pts, r, f.frontColor(i))
		obstacles = append(obstacles, pts...)
	}
	labels = append(labels, l.references(&c, at, &obstacles)...)
	for _, k := range f.Picks {
		pt := at(XY{k.X, k.Y})
		c.SetLineStyle(line(1.3, ink))
		c.Stroke(disc(pt, frontRadius+2))
		labels = append(labels, label{cleanText(k.Label), textStyle(labelSize, ink, bold), pt, frontRadius + 2})
	}
	drawLabels(&c, labels, obstacles)
}

// interval draws the thin bars of one point.
func (l frontLayer) interval(c *draw.Canvas, m Point, at func(XY) vg.Point, sty draw.LineStyle) {
	if m.XLow < m.XHigh && (!l.f.X.Log || m.XLow > 0) {
		c.StrokeLines(sty, c.ClipLinesXY([]vg.Point{at(XY{m.XLow, m.Y}), at(XY{m.XHigh, m.Y})})...)
	}
	if m.YLow < m.YHigh && (!l.f.Y.Log || m.YLow > 0) {
		c.StrokeLines(sty, c.ClipLinesXY([]vg.Point{at(XY{m.X, m.YLow}), at(XY{m.X, m.YHigh})})...)
	}
}

// references draws the named networks and returns their labels.
func (l frontLayer) references(c *draw.Canvas, at func(XY) vg.Point, obstacles *[]vg.Point) []label {
	var labels []label
	for g, name := range l.f.groups() {
		ink, _ := l.f.referenceLook(g)
		var pts []vg.Point
		for _, r := range l.f.References {
			if r.Group == name {
				pts = append(pts, at(XY{r.X, r.Y}))
			}
		}
		slices.SortFunc(pts, func(a, b vg.Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
		if name != "" {
			c.StrokeLines(line(0.9, tint(ink, 0.45), 1.5, 2), pts)
			*obstacles = append(*obstacles, along(pts, 8)...)
		}
	}
	for g, name := range l.f.groups() {
		ink, shape := l.f.referenceLook(g)
		for _, r := range l.f.References {
			if r.Group != name {
				continue
			}
			pt := at(XY{r.X, r.Y})
			l.interval(c, r.Point, at, line(0.7, tint(ink, 0.4)))
			drawMarker(c, shape, pt, referenceRadius, ink)
			*obstacles = append(*obstacles, pt)
			if r.Label != "" {
				labels = append(labels, label{cleanText(r.Label), textStyle(labelSize, shade(ink, 0.25), regular), pt, referenceRadius})
			}
		}
	}
	return labels
}

// constraint draws a limit as a dashed line and its name at the line's end.
func (l frontLayer) constraint(c *draw.Canvas, k Constraint, tx, ty func(float64) vg.Length, obstacles *[]vg.Point) []label {
	var a, b, anchor vg.Point
	if k.OnY {
		y := ty(k.Value)
		a, b = vg.Point{X: c.Min.X, Y: y}, vg.Point{X: c.Max.X, Y: y}
		anchor = vg.Point{X: c.Max.X - 40, Y: y}
	} else {
		x := tx(k.Value)
		a, b = vg.Point{X: x, Y: c.Min.Y}, vg.Point{X: x, Y: c.Max.Y}
		anchor = vg.Point{X: x, Y: c.Min.Y + 12}
	}
	if !c.Contains(a) && !c.Contains(b) {
		return nil
	}
	c.StrokeLine2(line(1.3, limitInk, 5, 3), a.X, a.Y, b.X, b.Y)
	*obstacles = append(*obstacles, along([]vg.Point{a, b}, 1.5)...)
	return []label{{cleanText(k.Label), textStyle(labelSize, limitInk, regular), anchor, 2}}
}
