package report

import (
	"errors"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Shares shows what distinguishes the front from the whole space: how often each choice
// of each gene is taken in either.
type Shares struct {
	Title, Subtitle string
	Genes           []GeneShares
	Notes           []string
}

// GeneShares are the choices of one gene, or of one kind of gene over all blocks.
type GeneShares struct {
	Name string
	// Blind says that the score cannot see the gene. A difference then shows only which
	// choice is fast.
	Blind   bool
	Choices []Share
}

// Share is how often a choice is taken, in per cent.
type Share struct {
	Label        string
	Front, Space float64
}

func (s Shares) layout() (*layout, error) {
	var ticks plot.ConstantTicks
	row := 0
	for _, g := range s.Genes {
		row++ // the gene's name
		for _, c := range g.Choices {
			ticks = append(ticks, plot.Tick{Value: -float64(row), Label: cleanText(c.Label)})
			row++
		}
	}
	if len(ticks) == 0 {
		return nil, errors.New("there is no gene with a choice")
	}
	p := newPlot()
	p.X.Min, p.X.Max = -1.5, 101.5 // markers at the ends stay clear of the labels
	rowAxis(p, ticks, row)
	grid(p, true, false)
	p.Add(sharesLayer{s})
	out := &layout{width: 7.6 * vg.Inch, height: 160 + vg.Length(row)*rowHeight + 14*vg.Length(len(s.Notes)),
		title: s.Title, subtitle: s.Subtitle, plot: p, xLabel: "share in %", notes: s.Notes}
	out.legend = []legendEntry{
		{"front", func(c *draw.Canvas, b vg.Rectangle) { drawMarker(c, disc, center(b), 4, shade(palette[0], 0.2)) }},
		{"whole space", func(c *draw.Canvas, b vg.Rectangle) { drawRing(c, center(b), 3.6) }},
	}
	if slices.ContainsFunc(s.Genes, func(g GeneShares) bool { return g.Blind }) {
		sample := func(c *draw.Canvas, b vg.Rectangle) {
			drawMarker(c, markers[2], center(b), 4, shade(palette[4], 0.1))
		}
		out.legend = append(out.legend, legendEntry{"front, but the score cannot see the gene", sample})
	}
	return out, nil
}

func drawRing(c *draw.Canvas, at vg.Point, r vg.Length) {
	c.SetColor(paper)
	c.Fill(disc(at, r))
	c.SetLineStyle(line(1.2, softInk))
	c.Stroke(disc(at, r))
}

type sharesLayer struct{ s Shares }

func (l sharesLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	row := 0
	for _, g := range l.s.Genes {
		y := ty(-float64(row))
		name := cleanText(g.Name)
		sty := textStyle(labelSize, ink, bold)
		sty.YAlign = draw.YCenter
		c.SetColor(paper) // over the grid
		c.Fill(vg.Rectangle{
			Min: vg.Point{X: c.Min.X + 1, Y: y - 6},
			Max: vg.Point{X: c.Min.X + sty.Width(name) + 10, Y: y + 6},
		}.Path())
		c.FillText(sty, vg.Point{X: c.Min.X + 5, Y: y}, name)
		row++
		shape, ink := marker(disc), shade(palette[0], 0.2)
		if g.Blind {
			shape, ink = markers[2], shade(palette[4], 0.1)
		}
		for _, ch := range g.Choices {
			y := ty(-float64(row))
			c.StrokeLine2(line(2.2, tint(ink, 0.55)), tx(ch.Space), y, tx(ch.Front), y)
			drawRing(&c, vg.Point{X: tx(ch.Space), Y: y}, 3.6)
			drawMarker(&c, shape, vg.Point{X: tx(ch.Front), Y: y}, 4, ink)
			row++
		}
	}
}
