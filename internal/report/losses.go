package report

import (
	"errors"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Losses show what each layer of a network of 8-bit integers costs, with one scale for each output channel and with one
// for the whole layer.
type Losses struct {
	Title, Subtitle string
	Rows            []Loss // the worst first
	Notes           []string
}

// Loss is one layer: the ratio of signal to noise of the network's outputs in decibels, this layer alone rounded.
type Loss struct {
	Label                 string
	PerChannel, PerTensor float64
}

func (l Losses) layout() (*layout, error) {
	if len(l.Rows) == 0 {
		return nil, errors.New("there is no layer to draw")
	}
	low, high := l.Rows[0].PerTensor, l.Rows[0].PerTensor
	var ticks plot.ConstantTicks
	for i, r := range l.Rows {
		low, high = min(low, r.PerChannel, r.PerTensor), max(high, r.PerChannel, r.PerTensor)
		ticks = append(ticks, plot.Tick{Value: -float64(i), Label: cleanText(r.Label)})
	}
	p := newPlot()
	p.X.Min, p.X.Max = low-3, high+3
	rowAxis(p, ticks, len(l.Rows))
	grid(p, true, false)
	p.Add(lossesLayer{l})
	out := &layout{width: 9.6 * vg.Inch, height: 160 + vg.Length(len(l.Rows))*rowHeight + 14*vg.Length(len(l.Notes)),
		title: l.Title, subtitle: l.Subtitle, plot: p, notes: l.Notes,
		xLabel: "signal to noise of the network's outputs, this layer alone rounded, in dB"}
	out.legend = []legendEntry{
		{"a scale for each output channel", func(c *draw.Canvas, b vg.Rectangle) {
			drawMarker(c, disc, center(b), 4, shade(palette[0], 0.2))
		}},
		{"one scale", func(c *draw.Canvas, b vg.Rectangle) { drawRing(c, center(b), 3.6) }},
	}
	return out, nil
}

type lossesLayer struct{ l Losses }

func (l lossesLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	ink := shade(palette[0], 0.2)
	for i, r := range l.l.Rows {
		y := ty(-float64(i))
		c.StrokeLine2(line(2.2, tint(ink, 0.55)), tx(r.PerTensor), y, tx(r.PerChannel), y)
		drawRing(&c, vg.Point{X: tx(r.PerTensor), Y: y}, 3.6)
		drawMarker(&c, disc, vg.Point{X: tx(r.PerChannel), Y: y}, 4, ink)
	}
}
