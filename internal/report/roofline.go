package report

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Roofline shows calls of kernels under what a device can do at most (Williams, Waterman and Patterson, Roofline,
// CACM 2009): the rate of multiply-adds over how many of them there are for each byte.
type Roofline struct {
	Title, Subtitle string
	Peak            float64 // 1e9 multiply-adds a second
	Slopes          []Slope
	Points          []RooflinePoint
	Notes           []string
}

// Slope is the part of a roof below which bandwidth bounds a call.
type Slope struct {
	Name      string
	GBytesPer float64 // 1e9 bytes a second
}

// RooflinePoint is a call of a kernel.
type RooflinePoint struct {
	Kind      string  // of work, one of those of a breakdown
	Intensity float64 // multiply-adds for each byte
	Rate      float64 // 1e9 multiply-adds a second
	Share     float64 // of the network's time; the area of the point
}

func (r Roofline) layout() (*layout, error) {
	points := slices.DeleteFunc(slices.Clone(r.Points), func(p RooflinePoint) bool {
		return !(p.Intensity > 0 && p.Rate > 0) || math.IsInf(p.Intensity, 0) || math.IsInf(p.Rate, 0)
	})
	if len(points) == 0 || !(r.Peak > 0) || len(r.Slopes) == 0 {
		return nil, errors.New("there is no kernel with multiply-adds to draw")
	}
	xlo, xhi, ylo, yhi := math.Inf(1), 0.0, math.Inf(1), r.Peak
	for _, p := range points {
		xlo, xhi = min(xlo, p.Intensity), max(xhi, p.Intensity)
		ylo, yhi = min(ylo, p.Rate), max(yhi, p.Rate)
	}
	for _, s := range r.Slopes {
		xhi = max(xhi, 1.5*r.Peak/s.GBytesPer) // the ridge is to be seen
	}
	p := newPlot()
	setRange(&p.X, Axis{Log: true}, xlo/1.5, xhi*1.5)
	setRange(&p.Y, Axis{Log: true}, ylo/1.7, yhi*1.6)
	grid(p, true, true)
	slices.SortStableFunc(points, func(a, b RooflinePoint) int { // the small above the large
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return 0
	})
	p.Add(rooflineLayer{r, points})
	out := &layout{width: 9.6 * vg.Inch, height: 5.8 * vg.Inch, title: r.Title, subtitle: r.Subtitle, plot: p,
		xLabel: "multiply-adds for each byte read or written", yLabel: "1e9 multiply-adds a second", notes: r.Notes}
	var kinds []string
	for _, pt := range points {
		if !slices.Contains(kinds, pt.Kind) {
			kinds = append(kinds, pt.Kind)
			out.legend = append(out.legend, workEntry(pt.Kind, len(kinds)-1))
		}
	}
	for i, s := range r.Slopes {
		out.legend = append(out.legend, legendEntry{s.Name, func(c *draw.Canvas, b vg.Rectangle) {
			m := center(b)
			c.StrokeLine2(roofLine(i), b.Min.X, m.Y, b.Max.X, m.Y)
		}})
	}
	return out, nil
}

// roofLine is the line of the i-th slope.
func roofLine(i int) draw.LineStyle {
	if i == 0 {
		return line(1.4, ink)
	}
	return line(1.4, ink, 5, 3)
}

type rooflineLayer struct {
	r      Roofline
	points []RooflinePoint
}

// largestPoint is the radius of a call that takes a tenth of the time.
const largestPoint = 11

func (l rooflineLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for i, s := range l.r.Slopes {
		ridge := l.r.Peak / s.GBytesPer
		low := max(p.X.Min, p.Y.Min/s.GBytesPer)
		from := vg.Point{X: tx(low), Y: ty(low * s.GBytesPer)}
		if ridge > low {
			c.StrokeLines(roofLine(i), []vg.Point{from, {X: tx(ridge), Y: ty(l.r.Peak)}, {X: tx(p.X.Max), Y: ty(l.r.Peak)}})
		} else {
			c.StrokeLine2(roofLine(i), tx(p.X.Min), ty(l.r.Peak), tx(p.X.Max), ty(l.r.Peak))
		}
	}
	var kinds []string
	for _, q := range l.points {
		k := slices.Index(kinds, q.Kind)
		if k < 0 {
			k = len(kinds)
			kinds = append(kinds, q.Kind)
		}
		radius := max(2, largestPoint*vg.Length(math.Sqrt(min(q.Share, 0.25)/0.1)))
		at := vg.Point{X: tx(q.Intensity), Y: ty(q.Rate)}
		c.SetColor(translucent(workColor(q.Kind, k), 150))
		c.Fill(disc(at, radius))
		c.SetColor(shade(workColor(q.Kind, k), 0.3))
		c.SetLineStyle(line(0.6, shade(workColor(q.Kind, k), 0.3)))
		c.Stroke(disc(at, radius))
	}
}
