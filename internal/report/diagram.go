package report

import (
	"errors"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Diagram is the architecture of one network: its blocks and their ops, from the image
// on top to the output, beside a column in which each block is as high as its cost.
type Diagram struct {
	Title, Subtitle string
	Unit            string // of the cost: "ms"
	Rows            []DiagramRow
	Notes           []string
}

// DiagramRow is one block.
type DiagramRow struct {
	Name     string // "stem", "3.2" (stage and block), "head"
	Shape    string // of its output: "14x14x96"
	Acts     string // its activations: "hswish"
	Ops      []DiagramOp
	Residual bool   // the block's input is added to its output
	Branched bool   // the ops are no chain: some of them run side by side
	Parts    []Part // its cost by kind of work; none where it runs within the kernel of a neighbour
}

// DiagramOp is an op in a block: "dw 5x5 /2", "SE 24", "1x1, 96" (output channels).
type DiagramOp struct{ Text, Kind string }

func (r DiagramRow) total() float64 { return Bar{Parts: r.Parts}.total() }

// WorkColors are the colours of the kinds of work, the same in every picture.
var WorkColors = map[string]color.RGBA{
	"pointwise": palette[0], fused: palette[1], gates: palette[2], "depthwise": palette[3], "convolution": palette[4], "other": palette[6],
}

// workColor returns the colour of a kind of work, the i-th of the palette for an
// unknown kind.
func workColor(kind string, i int) color.RGBA {
	if c, ok := WorkColors[kind]; ok {
		return c
	}
	return seriesColor(i)
}

// Lengths of a diagram, in points.
const (
	diagramRowHeight = 25
	diagramColumn    = 66 // its width
	diagramWedge     = 34 // from the column to the rows
	diagramName      = 34
	diagramShape     = 78
	diagramCost      = 104
	opHeight         = 15.5
	opGap            = 11
)

func (d Diagram) layout() (*layout, error) {
	sum := 0.0
	for _, r := range d.Rows {
		sum += r.total()
	}
	if sum == 0 {
		return nil, errors.New("the network has no cost to draw to the scale of")
	}
	p := newPlot()
	p.HideAxes()
	p.X.Max, p.Y.Max = 1, 1
	p.Add(diagramLayer{d, sum})
	out := &layout{width: 9.6 * vg.Inch,
		height: 118 + vg.Length(len(d.Rows))*diagramRowHeight + 14*vg.Length(len(d.Notes)),
		title:  d.Title, subtitle: d.Subtitle, plot: p, notes: d.Notes}
	kinds := Breakdown{Rows: bars(d.Rows)}.kinds()
	for _, r := range d.Rows { // ops have colours, too, where they run within another kind of kernel
		for _, o := range r.Ops {
			if !slices.Contains(kinds, o.Kind) {
				kinds = append(kinds, o.Kind)
			}
		}
	}
	for i, k := range kinds {
		out.legend = append(out.legend, workEntry(k, i))
	}
	return out, nil
}

func bars(rows []DiagramRow) []Bar {
	out := make([]Bar, len(rows))
	for i, r := range rows {
		out[i] = Bar{r.Name, r.Parts}
	}
	return out
}

// workEntry is the legend's entry of a kind of work.
func workEntry(kind string, i int) legendEntry {
	return legendEntry{kind, func(c *draw.Canvas, box vg.Rectangle) {
		c.SetColor(workColor(kind, i))
		c.Fill(vg.Rectangle{
			Min: vg.Point{X: box.Min.X + 8, Y: box.Min.Y},
			Max: vg.Point{X: box.Min.X + 20, Y: box.Min.Y + 9},
		}.Path())
	}}
}

type diagramLayer struct {
	d   Diagram
	sum float64
}

func (l diagramLayer) Plot(c draw.Canvas, _ *plot.Plot) {
	top, height := c.Max.Y, c.Max.Y-c.Min.Y
	row := height / vg.Length(len(l.d.Rows))
	left := c.Min.X
	wedge, rows := left+diagramColumn, left+diagramColumn+diagramWedge
	kinds := Breakdown{Rows: bars(l.d.Rows)}.kinds()
	before := 0.0
	for i, r := range l.d.Rows {
		y := top - (vg.Length(i)+0.5)*row
		from, to := top-height*vg.Length(before/l.sum), top-height*vg.Length((before+r.total())/l.sum)
		before += r.total()
		band := tint(axisInk, 0.88)
		if i%2 == 1 {
			band = tint(axisInk, 0.94)
		}
		hi, lo := y+row/2-1, y-row/2+1
		if r.total() > 0 {
			c.FillPolygon(band, []vg.Point{{X: wedge, Y: from}, {X: rows, Y: hi}, {X: rows, Y: lo}, {X: wedge, Y: to}})
			l.segment(&c, r, kinds, left, wedge, from, to)
		}
		c.FillPolygon(band, []vg.Point{{X: rows, Y: hi}, {X: c.Max.X, Y: hi}, {X: c.Max.X, Y: lo}, {X: rows, Y: lo}})
		l.row(&c, r, l.d.host(i), rows+6, c.Max.X-5, y)
	}
}

// host returns the text for a row without a cost of its own: it runs with the nearest
// row before it that has a cost.
func (d Diagram) host(i int) string {
	for k := i - 1; k >= 0; k-- {
		if d.Rows[k].total() > 0 {
			return "runs with " + d.Rows[k].Name
		}
	}
	return "runs with the next"
}

// segment draws a block's part of the column, divided from left to right by kind of
// work. Areas are proportional to costs.
func (l diagramLayer) segment(c *draw.Canvas, r DiagramRow, kinds []string, left, right, from, to vg.Length) {
	x := left
	for k, kind := range kinds {
		v := 0.0
		for _, p := range r.Parts {
			if p.Kind == kind {
				v += p.Value
			}
		}
		if v == 0 {
			continue
		}
		next := x + (right-left)*vg.Length(v/r.total())
		c.SetColor(workColor(kind, k))
		c.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: to}, Max: vg.Point{X: next, Y: from}}.Path())
		x = next
	}
	c.StrokeLine2(line(0.9, paper), left, to, right, to)
}

// row writes a block: name, ops from left to right, shape of the output, cost.
func (l diagramLayer) row(c *draw.Canvas, r DiagramRow, host string, left, right, y vg.Length) {
	write := func(x vg.Length, s string, size vg.Length, ink color.Color, v font.Variant, right bool) {
		sty := textStyle(size, ink, v)
		sty.YAlign = draw.YCenter
		if right {
			sty.XAlign = draw.XRight
		}
		c.FillText(sty, vg.Point{X: x, Y: y + 1}, cleanText(s))
	}
	write(left, r.Name, labelSize, ink, bold, false)
	cost := host
	if t := r.total(); t > 0 {
		cost = fmt.Sprintf("%s %s, %.1f %%", digits3(t), l.d.Unit, 100*t/l.sum)
	}
	write(right, cost, noteSize, softInk, regular, true)
	write(right-diagramCost, r.Shape, noteSize, softInk, regular, true)

	x, end := left+diagramName, right-diagramCost-diagramShape
	ops, more := l.fit(r, end-x)
	start := x
	for i, o := range ops {
		sty := textStyle(noteSize, shade(workColor(o.Kind, 6), 0.45), regular)
		sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
		text := cleanText(o.Text)
		w := sty.Width(text) + 9
		if i > 0 && !r.Branched {
			c.StrokeLine2(line(1, axisInk), x-opGap, y, x, y)
		}
		box := vg.Rectangle{Min: vg.Point{X: x, Y: y - opHeight/2}, Max: vg.Point{X: x + w, Y: y + opHeight/2}}
		c.SetColor(tint(workColor(o.Kind, 6), 0.8))
		c.Fill(box.Path())
		c.SetLineStyle(line(0.8, tint(workColor(o.Kind, 6), 0.2)))
		c.Stroke(box.Path())
		c.FillText(sty, vg.Point{X: x + w/2, Y: y + 1}, text)
		x += w + opGap
	}
	x -= opGap
	if r.Residual && !r.Branched && more == 0 && len(ops) > 0 {
		// The way around the block, above it.
		top := y + opHeight/2 + 2.4
		arc := []vg.Point{{X: start - 4, Y: y}, {X: start - 4, Y: top}, {X: x + 7, Y: top}, {X: x + 7, Y: y + 3}}
		c.StrokeLines(line(0.9, softInk), arc)
		c.StrokeLine2(line(0.9, softInk), start-4, y, start, y)
		c.StrokeLine2(line(0.9, softInk), x, y, x+4, y)
		plus := vg.Point{X: x + 7, Y: y}
		c.SetLineStyle(line(0.9, softInk))
		c.Stroke(disc(plus, 3))
		c.StrokeLine2(line(0.9, softInk), plus.X-3, y, plus.X+3, y)
		c.StrokeLine2(line(0.9, softInk), plus.X, y-3, plus.X, y+3)
		x += 10
	}
	note := r.Acts
	if more > 0 {
		note = fmt.Sprintf("and %d more", more)
	}
	if note != "" && x+8+textStyle(noteSize, ink, regular).Width(note) < end {
		write(x+8, note, noteSize, softInk, regular, false)
	}
}

// fit returns the ops that fit into a width, and the number of the others.
func (l diagramLayer) fit(r DiagramRow, width vg.Length) (ops []DiagramOp, more int) {
	sty := textStyle(noteSize, ink, regular)
	widths := make([]vg.Length, len(r.Ops))
	all := vg.Length(0)
	for i, o := range r.Ops {
		widths[i] = sty.Width(cleanText(o.Text)) + 9 + opGap
		all += widths[i]
	}
	if all <= width {
		return r.Ops, 0
	}
	width -= 70 // for "and 12 more"
	n := 0
	for n < len(widths) && width >= widths[n] {
		width -= widths[n]
		n++
	}
	return slices.Clip(r.Ops[:n]), len(r.Ops) - n
}
