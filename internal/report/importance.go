package report

import (
	"errors"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Importance shows what share of the variance of each value is due to each gene.
type Importance struct {
	Title, Subtitle string
	Values          []string // names
	Rows            []ImportanceRow
	Notes           []string
}

// ImportanceRow is a gene, with an entry for each of the values.
type ImportanceRow struct {
	Label  string
	Shares []ImportanceShare
}

// ImportanceShare is in per cent of the variance over the space: by the gene itself, and with all that it does
// together with others, that with a 90 % interval.
type ImportanceShare struct{ First, Total, Low, High float64 }

func (m Importance) layout() (*layout, error) {
	if len(m.Rows) == 0 {
		return nil, errors.New("there is no gene with a choice")
	}
	var ticks plot.ConstantTicks
	high := 1.0
	for i, r := range m.Rows {
		ticks = append(ticks, plot.Tick{Value: -float64(i), Label: cleanText(r.Label)})
		for _, s := range r.Shares {
			high = max(high, s.Total, s.High)
		}
	}
	p := newPlot()
	p.X.Min, p.X.Max = -0.02*high, 1.03*high
	rowAxis(p, ticks, len(m.Rows))
	grid(p, true, false)
	p.Add(importanceLayer{m})
	height := vg.Length(len(m.Rows)*max(1, len(m.Values))) * rowHeight * 0.8
	out := &layout{width: 8.4 * vg.Inch, height: 170 + height + 14*vg.Length(len(m.Notes)),
		title: m.Title, subtitle: m.Subtitle, plot: p, notes: m.Notes, xLabel: "share of the variance over the space in %"}
	for i, name := range m.Values {
		out.legend = append(out.legend, legendEntry{name, func(c *draw.Canvas, b vg.Rectangle) {
			drawMarker(c, agreementMarker(i), center(b), 4, shade(seriesColor(i), 0.15))
		}})
	}
	out.legend = append(out.legend, legendEntry{"of it, by the gene itself", func(c *draw.Canvas, b vg.Rectangle) {
		drawRing(c, center(b), 3)
	}})
	return out, nil
}

type importanceLayer struct{ m Importance }

func (l importanceLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	n := float64(max(1, len(l.m.Values)))
	for i, r := range l.m.Rows {
		for k, s := range r.Shares {
			y := ty(-float64(i) - 0.7*((float64(k)+0.5)/n-0.5))
			ink := shade(seriesColor(k), 0.15)
			c.StrokeLine2(line(2.2, tint(ink, 0.55)), tx(s.Low), y, tx(s.High), y)
			drawRing(&c, vg.Point{X: tx(max(0, s.First)), Y: y}, 3)
			drawMarker(&c, agreementMarker(k), vg.Point{X: tx(s.Total), Y: y}, 4, ink)
		}
	}
}
