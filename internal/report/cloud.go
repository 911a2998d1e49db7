package report

import (
	"cmp"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// maxDots bounds the marks of one cloud: with some 70 bytes a dot an SVG of two
// clouds stays well below a megabyte, however many trials there were.
const maxDots = 4500

// dot stands for the trials of one cell of the page.
type dot struct {
	at    vg.Point
	count int
}

// thin merges points that would be drawn on top of each other: one dot for each
// occupied cell of a grid, at the first of its points (their mean would show the
// grid), with their number. Cells grow only while there are more than maxDots.
func thin(points []vg.Point, cellSize vg.Length) []dot {
	for cell := float64(cellSize); ; cell *= 1.25 {
		type key struct{ x, y int32 }
		cells := make(map[key]int, min(len(points), 2*maxDots))
		var dots []dot
		for _, p := range points {
			k := key{int32(math.Floor(float64(p.X) / cell)), int32(math.Floor(float64(p.Y) / cell))}
			i, ok := cells[k]
			if !ok {
				if len(dots) == maxDots {
					dots = nil
					break
				}
				i = len(dots)
				cells[k] = i
				dots = append(dots, dot{at: p})
			}
			d := &dots[i]
			d.count++
		}
		if dots != nil || len(points) == 0 {
			// The fullest last, so that shades of density lie on top.
			slices.SortStableFunc(dots, func(a, b dot) int { return cmp.Compare(a.count, b.count) })
			return dots
		}
	}
}

// cloudShades returns three tints of a colour for cells with 1, 2 to 4 and 5 or
// more trials.
func cloudShades(c color.RGBA) [3]color.RGBA {
	return [3]color.RGBA{tint(c, 0.76), tint(c, 0.63), tint(c, 0.5)}
}

func shadeOf(count int) int {
	switch {
	case count < 2:
		return 0
	case count < 5:
		return 1
	}
	return 2
}

// drawCloud fills one light dot for each cell in which there are points, as one
// path for each shade.
func drawCloud(c *draw.Canvas, points []vg.Point, radius vg.Length, shades [3]color.RGBA) {
	var paths [3]vg.Path
	for _, d := range thin(points, radius) {
		addCircle(&paths[shadeOf(d.count)], d.at, radius)
	}
	for i, p := range paths {
		if len(p) > 0 {
			c.SetColor(shades[i])
			c.Fill(p)
		}
	}
}

// drawCrosses strokes one small cross for each cell in which there are points.
func drawCrosses(c *draw.Canvas, points []vg.Point, radius vg.Length, ink color.Color) {
	var path vg.Path
	for _, d := range thin(points, 2.4*radius) {
		addCross(&path, d.at, radius)
	}
	if len(path) > 0 {
		c.SetLineStyle(line(0.7, ink))
		c.Stroke(path)
	}
}

func addCircle(p *vg.Path, at vg.Point, r vg.Length) {
	p.Move(vg.Point{X: at.X + r, Y: at.Y})
	p.Arc(at, r, 0, 2*math.Pi)
	p.Close()
}

func addCross(p *vg.Path, at vg.Point, r vg.Length) {
	p.Move(vg.Point{X: at.X - r, Y: at.Y - r})
	p.Line(vg.Point{X: at.X + r, Y: at.Y + r})
	p.Move(vg.Point{X: at.X - r, Y: at.Y + r})
	p.Line(vg.Point{X: at.X + r, Y: at.Y - r})
}
