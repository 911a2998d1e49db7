package report

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Memory shows which buffer lives when, and where in a block of memory it is.
type Memory struct {
	Title, Subtitle string
	Operators       int // the axis of time: 0 is before the first one
	Buffers         []MemoryBuffer
	Limit           float64 // in kB: a dashed line with the name of what needs so much; 0 for none
	LimitName       string
	Notes           []string
}

// MemoryBuffer is a rectangle in the picture: from the first to the last operator, from an offset on, in kB.
type MemoryBuffer struct {
	Name        string
	First, Last int
	Offset, KB  float64
	Scratch     bool // is used within one operator only
}

func (m Memory) layout() (*layout, error) {
	if len(m.Buffers) == 0 {
		return nil, errors.New("there is no buffer to draw")
	}
	p := newPlot()
	p.X.Min, p.X.Max, p.Y.Min = -0.5, float64(m.Operators)+0.5, 0
	p.Y.Max = m.Limit
	for _, b := range m.Buffers {
		p.Y.Max = max(p.Y.Max, b.Offset+b.KB)
	}
	p.Y.Max *= 1.04
	grid(p, false, true)
	p.Add(memoryLayer{m})
	if m.Limit > 0 {
		l, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: m.Limit}, {X: p.X.Max, Y: m.Limit}})
		if err != nil {
			return nil, err
		}
		l.LineStyle = line(1.1, softInk)
		l.Dashes = []vg.Length{4, 3}
		p.Add(l)
	}
	out := &layout{
		width:    9.6 * vg.Inch,
		height:   4.8*vg.Inch + 14*vg.Length(len(m.Notes)),
		title:    m.Title,
		subtitle: m.Subtitle,
		plot:     p,
		xLabel:   "operator, in the order in which they run",
		yLabel:   "place in the arena in kB",
		notes:    m.Notes,
	}
	for i, name := range []string{"activation", "scratch buffer"} {
		scratch := i == 1
		if slices.ContainsFunc(m.Buffers, func(b MemoryBuffer) bool { return b.Scratch == scratch }) {
			out.legend = append(out.legend, legendEntry{name, func(c *draw.Canvas, box vg.Rectangle) {
				box.Max.Y = box.Min.Y + 9
				memoryBox(c, box, i, scratch)
			}})
		}
	}
	if m.Limit > 0 {
		out.legend = append(out.legend, legendEntry{m.LimitName, func(c *draw.Canvas, box vg.Rectangle) {
			sty := line(1.1, softInk)
			sty.Dashes = []vg.Length{4, 3}
			c.StrokeLine2(sty, box.Min.X, center(box).Y, box.Max.X, center(box).Y)
		}})
	}
	return out, nil
}

// memoryBox draws a buffer. Neighbours differ in shade.
func memoryBox(c *draw.Canvas, box vg.Rectangle, i int, scratch bool) {
	fill := tint(palette[0], []float64{0.35, 0.5, 0.65}[i%3])
	if scratch {
		fill = tint(palette[4], 0.3)
	}
	c.SetColor(fill)
	c.Fill(box.Path())
	c.SetLineStyle(line(0.6, paper))
	c.Stroke(box.Path())
}

type memoryLayer struct{ m Memory }

func (l memoryLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	label := textStyle(noteSize, ink, regular)
	label.XAlign, label.YAlign = draw.XCenter, draw.YCenter
	for i, b := range l.m.Buffers {
		box := vg.Rectangle{
			Min: vg.Point{X: tx(float64(b.First) - 0.5), Y: ty(b.Offset)},
			Max: vg.Point{X: tx(float64(b.Last) + 0.5), Y: ty(b.Offset + b.KB)},
		}
		memoryBox(&c, box, i, b.Scratch)
		for _, text := range []string{fmt.Sprintf("%s, %.3g kB", b.Name, b.KB), b.Name} {
			text = cleanText(text)
			if label.Width(text)*substitute+4 < box.Max.X-box.Min.X && noteSize < box.Max.Y-box.Min.Y {
				c.FillText(label, center(box), text)
				break
			}
		}
	}
}
