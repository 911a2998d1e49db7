package report

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// layout is a figure ready to be drawn: heading, legend, axes with data, notes.
type layout struct {
	width, height   vg.Length
	title, subtitle string
	legend          []legendEntry
	plot            *plot.Plot
	xLabel, yLabel  string // not left to the plot, which misplaces them on a log scale
	notes           []string
}

// legendEntry is a name behind a sample of what it names.
type legendEntry struct {
	name   string
	sample func(c *draw.Canvas, box vg.Rectangle)
}

const (
	margin      = 16
	legendGap   = 12 // between entries of a row
	sampleWidth = 22
	sampleGap   = 5    // between a sample and its name
	leading     = 1.32 // line distance over font size
	substitute  = 1.17 // how much wider than ours a font may be that a viewer of an SVG takes instead
)

// newPlot returns axes in the style of the package, without data or labels.
func newPlot() *plot.Plot {
	p := plot.New()
	p.TextHandler = fonts
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle = line(0.8, axisInk)
		a.Tick.LineStyle = line(0.8, axisInk)
		a.Tick.Length = 4
		a.Padding = 0
		a.Tick.Marker = linearTicks{}
	}
	tick := textStyle(tickSize, ink, regular)
	tick.XAlign, tick.YAlign = draw.XCenter, draw.YTop
	p.X.Tick.Label = tick
	tick.XAlign, tick.YAlign = draw.XRight, draw.YCenter
	p.Y.Tick.Label = tick
	return p
}

// grid adds light lines at the ticks of the axes asked for.
func grid(p *plot.Plot, vertical, horizontal bool) {
	g := plotter.NewGrid()
	g.Vertical, g.Horizontal = line(0, gridInk), line(0, gridInk)
	if vertical {
		g.Vertical.Width = 0.8
	}
	if horizontal {
		g.Horizontal.Width = 0.8
	}
	p.Add(g)
}

func (p *layout) draw(c draw.Canvas) {
	c.SetColor(paper)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	width := c.Max.X - c.Min.X

	title := textStyle(titleSize, ink, bold)
	for _, l := range wrap(cleanText(p.title), title, width/substitute) {
		c.Max.Y -= titleSize
		c.FillText(title, vg.Point{X: c.Min.X, Y: c.Max.Y}, l)
		c.Max.Y -= titleSize * (leading - 1)
	}
	sub := textStyle(subtitleSize, softInk, regular)
	for _, l := range wrap(cleanText(p.subtitle), sub, width/substitute) {
		c.Max.Y -= subtitleSize * leading
		c.FillText(sub, vg.Point{X: c.Min.X, Y: c.Max.Y}, l)
	}
	c.Max.Y -= 8
	p.drawLegend(&c)

	note := textStyle(noteSize, softInk, regular)
	var lines []string
	for _, n := range p.notes {
		lines = append(lines, wrap(cleanText(n), note, width/substitute)...)
	}
	y := c.Min.Y
	for i := len(lines) - 1; i >= 0; i-- {
		c.FillText(note, vg.Point{X: c.Min.X, Y: y}, lines[i])
		y += noteSize * leading
	}
	if len(lines) > 0 {
		y += 6
	}
	c.Min.Y = y
	c.Max.X -= 4 // the last tick label may stand out
	p.plot.Draw(p.drawAxisLabels(c))
}

// drawAxisLabels draws the axes' names and returns what they leave of the canvas.
func (p *layout) drawAxisLabels(c draw.Canvas) draw.Canvas {
	rest := c
	if p.xLabel != "" {
		rest.Min.Y += axisSize * 1.5
	}
	if p.yLabel != "" {
		rest.Min.X += axisSize * 1.5
	}
	data := p.plot.DataCanvas(rest)
	fitted := func(s string, width vg.Length) text.Style {
		sty := textStyle(axisSize, ink, regular)
		sty.XAlign = draw.XCenter
		if w := sty.Width(s) * substitute; w > width {
			sty.Font.Size *= width / w
		}
		return sty
	}
	x, y := cleanText(p.xLabel), cleanText(p.yLabel)
	mid := center(data.Rectangle)
	c.FillText(fitted(x, 2*min(mid.X-c.Min.X, c.Max.X-mid.X)), vg.Point{X: mid.X, Y: c.Min.Y}, x)
	sty := fitted(y, 2*min(mid.Y-c.Min.Y, c.Max.Y-mid.Y))
	sty.Rotation = math.Pi / 2
	sty.YAlign = draw.YTop
	c.FillText(sty, vg.Point{X: c.Min.X, Y: mid.Y}, y)
	return rest
}

// drawLegend sets the entries in rows from the left and takes their space off
// the top of the canvas. Where a somewhat smaller font saves a row, it does.
func (p *layout) drawLegend(c *draw.Canvas) {
	if len(p.legend) == 0 {
		return
	}
	width := c.Max.X - c.Min.X
	size := vg.Length(legendSize)
	for s := size; s >= 0.8*legendSize; s -= 0.02 * legendSize {
		if p.legendRows(s, width) < p.legendRows(size, width) {
			size = s
		}
	}
	gap := legendGap * size / legendSize
	sty := textStyle(size, ink, regular)
	const row = legendSize * 1.5
	x := c.Min.X
	y := c.Max.Y - row
	for _, e := range p.legend {
		w := legendWidth(e, size)
		if x > c.Min.X && x+w > c.Max.X {
			x, y = c.Min.X, y-row
		}
		e.sample(c, vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + sampleWidth, Y: y + legendSize}})
		c.FillText(sty, vg.Point{X: x + sampleWidth + sampleGap, Y: y + 0.5}, cleanText(e.name))
		x += w + gap
	}
	c.Max.Y = y - 8
}

// legendRows is the number of rows that the entries take.
func (p *layout) legendRows(size, width vg.Length) int {
	rows, x, gap := 1, vg.Length(0), legendGap*size/legendSize
	for _, e := range p.legend {
		w := legendWidth(e, size)
		if x > 0 && x+w > width {
			rows, x = rows+1, 0
		}
		x += w + gap
	}
	return rows
}

// legendWidth is the width of an entry, with a margin for the fonts of other viewers.
func legendWidth(e legendEntry, size vg.Length) vg.Length {
	return sampleWidth + sampleGap + textStyle(size, ink, regular).Width(cleanText(e.name))*substitute
}

func center(r vg.Rectangle) vg.Point {
	return vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}
}
