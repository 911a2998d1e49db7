package report

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Growth is the hypervolume of one or several runs against the number of evaluations:
// the progress of a search, and whether it still made progress when it ended.
type Growth struct {
	Title, Subtitle string
	YLabel          string // with the unit and the reference point
	Series          []GrowthSeries
	Notes           []string
}

// GrowthSeries is one run.
type GrowthSeries struct {
	Name string
	// Points are evaluations and the hypervolume after them, in rising order.
	// Between two of them the hypervolume is that of the former.
	Points []XY
}

func (g Growth) layout() (*layout, error) {
	var xhi, ylo, yhi float64
	found := false
	for _, s := range g.Series {
		for _, p := range s.Points {
			if !found {
				ylo, yhi = p.Y, p.Y
			}
			found = true
			xhi, ylo, yhi = max(xhi, p.X), min(ylo, p.Y), max(yhi, p.Y)
		}
	}
	if !found {
		return nil, errors.New("there is no evaluation to draw")
	}
	p := newPlot()
	p.X.Tick.Marker = linearTicks{whole: true}
	p.X.Min, p.X.Max = 0, max(xhi*1.06, 1)
	p.Y.Min, p.Y.Max = pad(ylo, yhi, false)
	if ylo >= 0 && ylo < yhi/2 {
		p.Y.Min = 0 // else the axis begins where the search began: the last steps are to be seen
	}
	grid(p, false, true)
	p.Add(growthLayer{g})
	out := &layout{width: 9.6 * vg.Inch, height: 5.4 * vg.Inch, title: g.Title, subtitle: g.Subtitle,
		plot: p, xLabel: "evaluations", yLabel: g.YLabel, notes: g.Notes}
	if len(g.Series) > 1 {
		for i, s := range g.Series {
			out.legend = append(out.legend, legendEntry{s.Name, func(c *draw.Canvas, b vg.Rectangle) {
				m := center(b)
				c.StrokeLine2(Fronts{}.frontLine(i), b.Min.X, m.Y, b.Max.X, m.Y)
			}})
		}
	}
	return out, nil
}

type growthLayer struct{ g Growth }

func (l growthLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	var labels []label
	var obstacles []vg.Point
	for i, s := range l.g.Series {
		if len(s.Points) == 0 {
			continue
		}
		sty := Fronts{}.frontLine(i)
		stairs := staircaseOver(s.Points, tx, ty)
		c.StrokeLines(sty, stairs)
		obstacles = append(obstacles, along(stairs, 6)...)
		last := s.Points[len(s.Points)-1]
		at := vg.Point{X: tx(last.X), Y: ty(last.Y)}
		drawMarker(&c, disc, at, 3, shade(seriesColor(i), 0.2))
		value := fmt.Sprintf("%.4g", last.Y)
		if math.Abs(last.Y) >= 1000 {
			value = groupThousands(last.Y)
		}
		labels = append(labels, label{value, textStyle(labelSize, shade(seriesColor(i), 0.35), bold), at, 3})
	}
	drawLabels(&c, labels, obstacles)
}

// staircaseOver returns the corners of a step function on the page, no two of
// them closer than half a point. A long run has more steps than a page can show.
func staircaseOver(points []XY, tx, ty func(float64) vg.Length) []vg.Point {
	var out []vg.Point
	for i, q := range points {
		pt := vg.Point{X: tx(q.X), Y: ty(q.Y)}
		if len(out) > 0 {
			last := out[len(out)-1]
			if pt.X-last.X < 0.5 && i < len(points)-1 && max(pt.Y-last.Y, last.Y-pt.Y) < 0.5 {
				continue
			}
			out = append(out, vg.Point{X: pt.X, Y: last.Y})
		}
		out = append(out, pt)
	}
	return slices.Clip(out)
}
