package report

import (
	"errors"
	"fmt"
	"math"
	"nas/internal/plural"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Agreement is a plot of predicted against measured values, one point a network. It
// shows how accurate the predictions are.
type Agreement struct {
	Title, Subtitle string
	Quantity        string  // "latency in ms (nas kernels on ..., 1 thread)"
	Band            float64 // relative half-width of the band around equality; 0 means 0.1
	Series          []AgreementSeries
	Notes           []string
}

// AgreementSeries is a kind of networks.
type AgreementSeries struct {
	Name   string
	Points []Prediction
}

// Prediction is a measured value with what was predicted for it; Low and High
// are the interval of the prediction and may be equal, which means none.
type Prediction struct {
	Measured, Predicted float64
	Low, High           float64
}

func (a Agreement) band() float64 {
	if a.Band == 0 {
		return 0.1
	}
	return a.Band
}

func (a Agreement) layout() (*layout, error) {
	lo, hi, n, within := math.Inf(1), 0.0, 0, 0
	for _, s := range a.Series {
		for _, p := range s.Points {
			if !p.drawable() {
				continue
			}
			n++
			lo, hi = min(lo, p.Measured, p.Predicted), max(hi, p.Measured, p.Predicted)
			if math.Abs(p.Predicted/p.Measured-1) <= a.band() {
				within++
			}
		}
	}
	if n == 0 {
		return nil, errors.New("there is no measured network to draw")
	}
	p := newPlot()
	// Relative errors are what counts: on a log scale a band of +-10 % is as wide
	// everywhere.
	scale := Axis{Log: true}
	lo, hi = lo*0.85, hi*1.18
	setRange(&p.X, scale, lo, hi)
	setRange(&p.Y, scale, lo, hi)
	grid(p, true, true)
	p.Add(agreementLayer{a})
	out := &layout{width: 7.2 * vg.Inch, height: 7.6 * vg.Inch, title: a.Title, subtitle: a.Subtitle, plot: p,
		xLabel: "measured " + a.Quantity, yLabel: "predicted " + a.Quantity, notes: a.Notes}
	equal := fmt.Sprintf("equal, band of ±%.0f %% (%d of %s)", 100*a.band(), within, plural.Of(n, "network"))
	out.legend = append(out.legend, legendEntry{equal, func(c *draw.Canvas, b vg.Rectangle) {
		c.SetColor(tint(palette[2], 0.82))
		c.Fill(b.Path())
		m := center(b)
		c.StrokeLine2(line(1, softInk), b.Min.X, m.Y, b.Max.X, m.Y)
	}})
	for i, s := range a.Series {
		out.addSeries(i, s.Name, len(s.Points))
	}
	return out, nil
}

// addSeries adds the i-th series of n networks to the legend, unless it has no name.
func (l *layout) addSeries(i int, name string, n int) {
	if name == "" {
		return
	}
	l.legend = append(l.legend, legendEntry{fmt.Sprintf("%s (%d)", name, n), func(c *draw.Canvas, b vg.Rectangle) {
		drawMarker(c, agreementMarker(i), center(b), 3, shade(seriesColor(i), 0.15))
	}})
}

func (p Prediction) drawable() bool {
	return p.Measured > 0 && p.Predicted > 0 && !math.IsInf(p.Measured, 0) && !math.IsInf(p.Predicted, 0)
}

func agreementMarker(i int) marker {
	if i == 0 {
		return disc
	}
	return markers[(i-1)%len(markers)]
}

type agreementLayer struct{ a Agreement }

func (l agreementLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	at := func(x, y float64) vg.Point { return vg.Point{X: tx(x), Y: ty(y)} }
	lo, hi, b := p.X.Min, p.X.Max, l.a.band()
	band := []vg.Point{at(lo, lo*(1-b)), at(hi, hi*(1-b)), at(hi, hi*(1+b)), at(lo, lo*(1+b))}
	c.FillPolygon(tint(palette[2], 0.82), c.ClipPolygonXY(band))
	a, z := at(lo, lo), at(hi, hi)
	c.StrokeLine2(line(1, softInk), a.X, a.Y, z.X, z.Y)
	for i, s := range l.a.Series {
		ink := shade(seriesColor(i), 0.15)
		var pts []vg.Point
		for _, q := range s.Points {
			if !q.drawable() {
				continue
			}
			if q.Low < q.High && q.Low > 0 {
				c.StrokeLines(line(0.7, tint(ink, 0.45)),
					c.ClipLinesXY([]vg.Point{at(q.Measured, q.Low), at(q.Measured, q.High)})...)
			}
			pts = append(pts, at(q.Measured, q.Predicted))
		}
		r := vg.Length(3)
		if len(pts) > 150 {
			r = 2
		}
		drawMarkers(&c, agreementMarker(i), pts, r, ink)
	}
}
