package report

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

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
		var expected []vg.Point
		for _, p := range s.Expected {
			expected = append(expected, at(p))
		}
		slices.SortFunc(expected, func(a, b vg.Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
		c.StrokeLines(f.expectedLine(i), c.ClipLinesXY(expected)...)
		obstacles = append(obstacles, along(expected, 6)...)
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

// Of names of more than longLabel letters in one group, only those are drawn that begin
// longApart points apart.
const (
	longLabel = 6
	longApart = 90
)

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
		named := vg.Length(-longApart) // where the last long name stands
		for _, r := range l.f.References {
			if r.Group != name {
				continue
			}
			pt := at(XY{r.X, r.Y})
			if len(r.Label) > longLabel {
				if pt.X-named < longApart {
					r.Label = ""
				} else {
					named = pt.X
				}
			}
			l.interval(c, r.Point, at, line(0.7, tint(ink, 0.4)))
			drawMarker(c, shape, pt, referenceRadius, ink)
			*obstacles = append(*obstacles, pt)
			if r.Label != "" {
				labels = append(labels,
					label{cleanText(r.Label), textStyle(labelSize, shade(ink, 0.25), regular), pt, referenceRadius})
			}
		}
	}
	return labels
}

// constraint draws a limit as a dashed line and its name at the line's end.
func (l frontLayer) constraint(
	c *draw.Canvas, k Constraint, tx, ty func(float64) vg.Length, obstacles *[]vg.Point,
) []label {
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
