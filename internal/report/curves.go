package report

import (
	"errors"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Curves are the learning curves of the networks that a run trained: what they reached, and where those that did not go
// on were stopped.
type Curves struct {
	Title, Subtitle string
	YLabel          string
	Curves          []Curve
	Notes           []string
}

// Curve is one network.
type Curve struct {
	Name    string // drawn at the end of those on the front; "" draws none
	Points  []XY   // epochs and the value after them, in rising order
	Stopped bool   // before the last rung
	Front   bool   // it is on the front
	Running bool   // it is trained, or waits to be: whether it is stopped is not known
}

func (g Curves) layout() (*layout, error) {
	var xhi, ylo, yhi float64
	found := false
	for _, c := range g.Curves {
		for _, p := range c.Points {
			if !found {
				ylo, yhi = p.Y, p.Y
			}
			found = true
			xhi, ylo, yhi = max(xhi, p.X), min(ylo, p.Y), max(yhi, p.Y)
		}
	}
	if !found {
		return nil, errors.New("there is no training to draw")
	}
	p := newPlot()
	p.X.Tick.Marker = linearTicks{whole: true}
	p.X.Min, p.X.Max = 0, max(xhi*1.06, 1)
	p.Y.Min, p.Y.Max = pad(ylo, yhi, false)
	grid(p, false, true)
	p.Add(curvesLayer{g})
	out := &layout{width: 9.6 * vg.Inch, height: 5.4 * vg.Inch, title: g.Title, subtitle: g.Subtitle,
		plot: p, xLabel: "epochs", yLabel: g.YLabel, notes: g.Notes}
	kinds := []struct {
		name string
		of   Curve
	}{{"on the front", Curve{Front: true}}, {"trained to the end", Curve{}}, {"stopped at a rung", Curve{Stopped: true}},
		{"at work", Curve{Running: true}}}
	if !slices.ContainsFunc(g.Curves, func(c Curve) bool { return c.Running }) {
		kinds = kinds[:3]
	}
	for _, k := range kinds {
		out.legend = append(out.legend, legendEntry{k.name, func(c *draw.Canvas, b vg.Rectangle) {
			m := center(b)
			c.StrokeLine2(k.of.line(), b.Min.X, m.Y, b.Max.X, m.Y)
		}})
	}
	return out, nil
}

// line is the style of a curve.
func (c Curve) line() draw.LineStyle {
	s := Fronts{}.frontLine(0)
	switch {
	case c.Front:
	case c.Running:
		s.Width, s.Color, s.Dashes = vg.Points(0.9), seriesColor(1), []vg.Length{vg.Points(3), vg.Points(2)}
	case c.Stopped:
		s.Width, s.Color = vg.Points(0.6), tint(softInk, 0.55)
	default:
		s.Width, s.Color = vg.Points(0.9), tint(seriesColor(0), 0.5)
	}
	return s
}

type curvesLayer struct{ g Curves }

func (l curvesLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	var labels []label
	var obstacles []vg.Point
	for _, pass := range []func(Curve) bool{ // the front on top
		func(x Curve) bool { return x.Stopped && !x.Running },
		func(x Curve) bool { return !x.Stopped && !x.Front && !x.Running },
		func(x Curve) bool { return x.Running }, func(x Curve) bool { return x.Front && !x.Running },
	} {
		for _, x := range l.g.Curves {
			if !pass(x) || len(x.Points) == 0 {
				continue
			}
			points := make([]vg.Point, len(x.Points))
			for i, q := range x.Points {
				points[i] = vg.Point{X: tx(q.X), Y: ty(q.Y)}
			}
			style := x.line()
			c.StrokeLines(style, points)
			end := points[len(points)-1]
			drawMarker(&c, disc, end, 1+style.Width, style.Color.(color.RGBA))
			if x.Front && x.Name != "" {
				obstacles = append(obstacles, along(points, 6)...)
				labels = append(labels, label{x.Name, textStyle(labelSize, shade(seriesColor(0), 0.35), bold), end, 3})
			}
		}
	}
	drawLabels(&c, labels, obstacles)
}
