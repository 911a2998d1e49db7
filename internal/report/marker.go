package report

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// marker is a filled shape around a point, of radius r.
type marker func(at vg.Point, r vg.Length) vg.Path

// polygon returns a marker with corners at the given angles, in degrees.
func polygon(size float64, degrees ...float64) marker {
	return func(at vg.Point, r vg.Length) vg.Path {
		var p vg.Path
		for i, d := range degrees {
			sin, cos := math.Sincos(d * math.Pi / 180)
			pt := vg.Point{X: at.X + r*vg.Length(size*cos), Y: at.Y + r*vg.Length(size*sin)}
			if i == 0 {
				p.Move(pt)
			} else {
				p.Line(pt)
			}
		}
		p.Close()
		return p
	}
}

func disc(at vg.Point, r vg.Length) vg.Path {
	var p vg.Path
	addCircle(&p, at, r)
	return p
}

// markers are told apart without colour.
var markers = []marker{
	polygon(1.25, 90, 210, 330),          // triangle up
	polygon(1.2, 45, 135, 225, 315),      // square
	polygon(1.3, 0, 90, 180, 270),        // diamond
	polygon(1.25, 30, 150, 270),          // triangle down
	polygon(1.15, 18, 90, 162, 234, 306), // pentagon
}

// drawMarkers fills a shape at each point and sets the group off from what is
// below by a rim of paper. All rims lie below all markers.
func drawMarkers(c *draw.Canvas, m marker, at []vg.Point, r vg.Length, fill color.Color) {
	for _, layer := range []struct {
		r   vg.Length
		ink color.Color
	}{{r * 1.35, paper}, {r, fill}} {
		var path vg.Path
		for _, pt := range at {
			path = append(path, m(pt, layer.r)...)
		}
		if len(path) > 0 {
			c.SetColor(layer.ink)
			c.Fill(path)
		}
	}
}

func drawMarker(c *draw.Canvas, m marker, at vg.Point, r vg.Length, fill color.Color) {
	drawMarkers(c, m, []vg.Point{at}, r, fill)
}
