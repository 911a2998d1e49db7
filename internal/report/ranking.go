package report

import (
	"errors"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Ranking is a plot of a score against trained accuracy, one point a network. A score
// that ranks well rises from left to right; its unit does not matter.
type Ranking struct {
	Title, Subtitle string
	Score           string // the vertical axis, with its unit if it has one
	Series          []RankingSeries
	Notes           []string
}

// RankingSeries is a kind of networks.
type RankingSeries struct {
	Name   string
	Points []Point // X the trained accuracy in per cent, Y the score
}

func (r Ranking) layout() (*layout, error) {
	p := newPlot()
	x, y := [2]float64{math.Inf(1), math.Inf(-1)}, [2]float64{math.Inf(1), math.Inf(-1)}
	n := 0
	for _, s := range r.Series {
		for _, q := range s.Points {
			x = [2]float64{min(x[0], q.X), max(x[1], q.X)}
			y = [2]float64{min(y[0], q.Y), max(y[1], q.Y)}
			n++
		}
	}
	if n == 0 {
		return nil, errors.New("there is no trained network to draw")
	}
	pad := func(v [2]float64) (lo, hi float64) { m := 0.04*(v[1]-v[0]) + 1e-9; return v[0] - m, v[1] + m }
	p.X.Min, p.X.Max = pad(x)
	p.Y.Min, p.Y.Max = pad(y)
	grid(p, true, true)
	p.Add(rankingLayer{r})
	out := &layout{width: 7.2 * vg.Inch, height: 6.4 * vg.Inch, title: r.Title, subtitle: r.Subtitle, plot: p,
		xLabel: "trained accuracy in %", yLabel: r.Score, notes: r.Notes}
	for i, s := range r.Series {
		out.addSeries(i, s.Name, len(s.Points))
	}
	return out, nil
}

type rankingLayer struct{ r Ranking }

func (l rankingLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for i, s := range l.r.Series {
		var pts []vg.Point
		for _, q := range s.Points {
			pts = append(pts, vg.Point{X: tx(q.X), Y: ty(q.Y)})
		}
		r := vg.Length(3)
		if len(pts) > 150 {
			r = 1.6
		}
		drawMarkers(&c, agreementMarker(i), pts, r, shade(seriesColor(i), 0.15))
	}
}
