package report

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Learning is the training of one network: its accuracy after each epoch, on the images that it was trained on and on
// others.
type Learning struct {
	Title, Subtitle string
	YLabel          string
	Lines           []LearningLine
	Notes           []string
}

// LearningLine is the accuracy on some images.
type LearningLine struct {
	Name   string
	Points []XY // epochs and the value after them, in rising order
}

func (g Learning) layout() (*layout, error) {
	var xhi, ylo, yhi float64
	found := false
	for _, l := range g.Lines {
		for _, p := range l.Points {
			if !found {
				ylo, yhi = p.Y, p.Y
			}
			found = true
			xhi, ylo, yhi = max(xhi, p.X), min(ylo, p.Y), max(yhi, p.Y)
		}
	}
	if !found {
		return nil, errors.New("there is no epoch to draw")
	}
	p := newPlot()
	p.X.Tick.Marker = linearTicks{whole: true}
	p.X.Min, p.X.Max = 0, max(xhi*1.06, 1)
	p.Y.Min, p.Y.Max = pad(ylo, yhi, false)
	grid(p, false, true)
	p.Add(learningLayer{g})
	out := &layout{width: 9.6 * vg.Inch, height: 5.4 * vg.Inch, title: g.Title, subtitle: g.Subtitle,
		plot: p, xLabel: "epochs", yLabel: g.YLabel, notes: g.Notes}
	for i, l := range g.Lines {
		out.legend = append(out.legend, legendEntry{l.Name, func(c *draw.Canvas, b vg.Rectangle) {
			m := center(b)
			c.StrokeLine2(Fronts{}.frontLine(i), b.Min.X, m.Y, b.Max.X, m.Y)
		}})
	}
	return out, nil
}

type learningLayer struct{ g Learning }

func (l learningLayer) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	var labels []label
	var obstacles []vg.Point
	for i, line := range l.g.Lines {
		if len(line.Points) == 0 {
			continue
		}
		points := make([]vg.Point, len(line.Points))
		for k, q := range line.Points {
			points[k] = vg.Point{X: tx(q.X), Y: ty(q.Y)}
		}
		c.StrokeLines(Fronts{}.frontLine(i), points)
		obstacles = append(obstacles, along(points, 6)...)
		end := points[len(points)-1]
		drawMarker(&c, disc, end, 3, shade(seriesColor(i), 0.2))
		value := fmt.Sprintf("%.2f", line.Points[len(points)-1].Y)
		labels = append(labels, label{value, textStyle(labelSize, shade(seriesColor(i), 0.35), bold), end, 3})
	}
	drawLabels(&c, labels, obstacles)
}
