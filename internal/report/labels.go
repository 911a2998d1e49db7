package report

import (
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// label is a text to be placed close to a point.
type label struct {
	text  string
	style text.Style
	at    vg.Point
	clear vg.Length // radius of the marker at the point, which stays free
}

// placed is a label with the box that was found for it.
type placed struct {
	box  vg.Rectangle
	lead bool // far enough away to need a line to its point
	cost float64
}

// Directions in order of preference, as in cartography: right of the point,
// slightly above first.
var directions = []vg.Point{
	{X: 1, Y: 0}, {X: 0.9, Y: 0.6}, {X: 0.9, Y: -0.6}, {X: 0, Y: 1}, {X: 0, Y: -1},
	{X: -1, Y: 0}, {X: -0.9, Y: 0.6}, {X: -0.9, Y: -0.6}, {X: 0.45, Y: 0.9}, {X: 0.45, Y: -0.9}, {X: -0.45, Y: 0.9}, {X: -0.45, Y: -0.9},
}

var distances = []vg.Length{2.5, 6, 12, 20, 30, 44, 60}

const leadFrom = 9 // distance from which a label gets a line to its point

// placeLabels finds a box within bounds for each label such that boxes cover
// neither each other nor more of the obstacles than needed. It weighs a fixed
// set of positions around each point: first come, first served, then a few
// rounds in which every label may move given where the others are. Labels and
// obstacles in the same order give the same result.
func placeLabels(labels []label, obstacles []vg.Point, bounds vg.Rectangle) []placed {
	out := make([]placed, len(labels))
	choose := func(i, others int) placed {
		l := labels[i]
		w, h := l.style.Width(l.text), l.style.Font.Size*0.95
		best := placed{cost: math.Inf(1)}
		for di, d := range distances {
			for k, dir := range directions {
				box := boxBeside(l.at, dir, d+l.clear, w, h)
				p := placed{box: box, lead: d >= leadFrom, cost: float64(di*di)*1.2 + float64(di) + 0.35*float64(k)}
				p.cost += 40 * float64(outside(box, bounds))
				if p.cost >= best.cost {
					continue
				}
				for j := range others {
					if j != i {
						p.cost += 8 * float64(overlap(inflate(box, 1.5), out[j].box))
						if p.lead && crosses(center(box), l.at, out[j].box) {
							p.cost += 12
						}
					}
				}
				for j := range labels {
					if j != i && inside(labels[j].at, inflate(box, labels[j].clear+1)) {
						p.cost += 25
					}
				}
				wide := inflate(box, 1.5)
				for _, o := range obstacles {
					if inside(o, wide) {
						p.cost += 6
					}
				}
				if p.cost < best.cost {
					best = p
				}
			}
		}
		return best
	}
	for i := range labels {
		out[i] = choose(i, i)
	}
	for range 4 {
		for i := range labels {
			out[i] = choose(i, len(labels))
		}
	}
	return out
}

// drawLabels places labels and draws them on a faint ground of paper.
func drawLabels(c *draw.Canvas, labels []label, obstacles []vg.Point) {
	for i, p := range placeLabels(labels, obstacles, inset(c.Rectangle, 2)) {
		l := labels[i]
		if p.lead {
			from := nearest(p.box, l.at)
			c.StrokeLine2(line(0.6, axisInk), from.X, from.Y, l.at.X, l.at.Y)
		}
		soft := translucent(paper, 0xC8)
		c.SetColor(soft)
		c.Fill(inflate(p.box, 1).Path())
		sty := l.style
		sty.XAlign, sty.YAlign = draw.XLeft, draw.YBottom
		// The text's descent hangs below the baseline; a box is baseline to cap height.
		c.FillText(sty, vg.Point{X: p.box.Min.X, Y: p.box.Min.Y - sty.FontExtents().Descent*0.55}, l.text)
	}
}

// boxBeside returns a w x h box whose edge is at the given distance from a
// point, in a direction.
func boxBeside(at, dir vg.Point, d, w, h vg.Length) vg.Rectangle {
	n := vg.Length(math.Hypot(float64(dir.X), float64(dir.Y)))
	x, y := at.X+dir.X/n*d, at.Y+dir.Y/n*d
	// The box grows away from the point, proportionally to the direction.
	x += w / 2 * clampUnit(dir.X*1.2)
	y += h / 2 * clampUnit(dir.Y*1.2)
	return vg.Rectangle{Min: vg.Point{X: x - w/2, Y: y - h/2}, Max: vg.Point{X: x + w/2, Y: y + h/2}}
}

func clampUnit(v vg.Length) vg.Length { return max(-1, min(1, v)) }

func inflate(r vg.Rectangle, d vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: r.Min.X - d, Y: r.Min.Y - d}, Max: vg.Point{X: r.Max.X + d, Y: r.Max.Y + d}}
}

func inset(r vg.Rectangle, d vg.Length) vg.Rectangle { return inflate(r, -d) }

func inside(p vg.Point, r vg.Rectangle) bool {
	return p.X >= r.Min.X && p.X <= r.Max.X && p.Y >= r.Min.Y && p.Y <= r.Max.Y
}

// outside returns how far a box sticks out of bounds, both ways added.
func outside(r, bounds vg.Rectangle) vg.Length {
	return max(0, bounds.Min.X-r.Min.X) + max(0, r.Max.X-bounds.Max.X) +
		max(0, bounds.Min.Y-r.Min.Y) + max(0, r.Max.Y-bounds.Max.Y)
}

// overlap returns the smaller extent of the area that two boxes share, at least
// 1 where they share any.
func overlap(a, b vg.Rectangle) vg.Length {
	w := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	h := min(a.Max.Y, b.Max.Y) - max(a.Min.Y, b.Min.Y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return max(1, min(w, h))
}

// nearest returns the point of a box that is closest to p.
func nearest(r vg.Rectangle, p vg.Point) vg.Point {
	return vg.Point{X: max(r.Min.X, min(r.Max.X, p.X)), Y: max(r.Min.Y, min(r.Max.Y, p.Y))}
}

// crosses reports whether the segment from a to b meets a box (seen at 16
// points, which is enough for lines of some ten points' length).
func crosses(a, b vg.Point, r vg.Rectangle) bool {
	for k := range 17 {
		t := vg.Length(k) / 16
		if inside(vg.Point{X: a.X + (b.X-a.X)*t, Y: a.Y + (b.Y-a.Y)*t}, r) {
			return true
		}
	}
	return false
}

// along returns points on a polyline, no more than step apart.
func along(line []vg.Point, step vg.Length) []vg.Point {
	var out []vg.Point
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		n := int(math.Hypot(float64(b.X-a.X), float64(b.Y-a.Y))/float64(step)) + 1
		for k := range n {
			t := vg.Length(k) / vg.Length(n)
			out = append(out, vg.Point{X: a.X + (b.X-a.X)*t, Y: a.Y + (b.Y-a.Y)*t})
		}
	}
	return out
}
