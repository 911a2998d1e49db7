package report

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Breakdown is where the latency (or the MACs, the bytes ...) of one network
// goes: one bar a block, from input to output, each divided by kind of work.
type Breakdown struct {
	Title, Subtitle string
	XLabel          string
	Unit            string // after the figures at the bars, such as "ms"
	Rows            []Bar
	Notes           []string
}

// Bar is one block.
type Bar struct {
	Label string
	Parts []Part
}

// Part is the share of one kind of work in a block: "depthwise", "pointwise" ...
type Part struct {
	Kind  string
	Value float64 // not negative
}

func (b Bar) total() float64 {
	t := 0.0
	for _, p := range b.Parts {
		t += p.Value
	}
	return t
}

// kinds returns the kinds of work, the most expensive first.
func (b Breakdown) kinds() []string {
	sums := map[string]float64{}
	var ks []string
	for _, r := range b.Rows {
		for _, p := range r.Parts {
			if _, ok := sums[p.Kind]; !ok {
				ks = append(ks, p.Kind)
			}
			sums[p.Kind] += p.Value
		}
	}
	slices.SortStableFunc(ks, func(x, y string) int {
		switch {
		case sums[x] > sums[y]:
			return -1
		case sums[x] < sums[y]:
			return 1
		}
		return 0
	})
	return ks
}

const rowHeight = 17 // of bar charts, in points

func (b Breakdown) layout() (*layout, error) {
	widest, sum := 0.0, 0.0
	var ticks plot.ConstantTicks
	for i, r := range b.Rows {
		t := r.total()
		widest, sum = max(widest, t), sum+t
		ticks = append(ticks, plot.Tick{Value: -float64(i), Label: cleanText(r.Label)})
	}
	if sum == 0 {
		return nil, errors.New("there is no cost to divide")
	}
	p := newPlot()
	p.X.Min, p.X.Max = 0, widest*1.2
	rowAxis(p, ticks, len(b.Rows))
	grid(p, true, false)
	p.Add(breakdownLayer{b, sum})
	out := &layout{width: 9.6 * vg.Inch, height: 150 + vg.Length(len(b.Rows))*rowHeight + 14*vg.Length(len(b.Notes)),
		title: b.Title, subtitle: b.Subtitle, plot: p, xLabel: b.XLabel, notes: b.Notes}
	for i, k := range b.kinds() {
		out.legend = append(out.legend, workEntry(k, i))
	}
	return out, nil
}

// rowAxis makes y an axis of n rows, the first on top, at 0, -1, -2 ...
func rowAxis(p *plot.Plot, ticks plot.ConstantTicks, n int) {
	p.Y.Min, p.Y.Max = -float64(n)+0.4, 0.6
	p.Y.Tick.Marker = ticks
	p.Y.Tick.Length = 0
	p.Y.Tick.Label.Font.Size = labelSize
	p.Y.Tick.Label.YAlign = -0.6 // the middle of lower-case letters
}

type breakdownLayer struct {
	b   Breakdown
	sum float64
}

func (l breakdownLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	kinds := l.b.kinds()
	half := (ty(0) - ty(-1)) * 0.36
	for i, r := range l.b.Rows {
		y, x := ty(-float64(i)), 0.0
		for k, kind := range kinds {
			v := 0.0
			for _, part := range r.Parts {
				if part.Kind == kind {
					v += part.Value
				}
			}
			if v > 0 {
				c.SetColor(workColor(kind, k))
				c.Fill(vg.Rectangle{Min: vg.Point{X: tx(x), Y: y - half}, Max: vg.Point{X: tx(x + v), Y: y + half}}.Path())
				x += v
				// A rim between parts keeps neighbours apart in black and white too.
				c.StrokeLine2(line(0.8, paper), tx(x), y-half, tx(x), y+half)
			}
		}
		sty := textStyle(labelSize, softInk, regular)
		sty.YAlign = draw.YCenter
		c.FillText(sty, vg.Point{X: tx(x) + 5, Y: y + 1.6}, fmt.Sprintf("%.3g %s, %.1f %%", x, l.b.Unit, 100*x/l.sum))
	}
}
