package report

import (
	"fmt"
	"math"
	"slices"
)

// subtitle is the one given, and how the front does against the references.
func (f Fronts) subtitle() string {
	if v := f.Verdict(); v != "" {
		if f.Subtitle == "" {
			return v
		}
		return f.Subtitle + ". " + v
	}
	return f.Subtitle
}

// Verdict says in a sentence how the first series' front stands to the reference
// networks: how many of them it dominates, and at what x it matches the y of the
// best that it can match. It is empty where there is nothing to compare.
func (f Fronts) Verdict() string {
	if len(f.Series) != 1 || len(f.References) == 0 || len(f.Series[0].Front) == 0 {
		return ""
	}
	sx, sy := 1.0, 1.0
	if f.X.Maximize {
		sx = -1
	}
	if f.Y.Maximize {
		sy = -1
	}
	front := f.steps(f.Series[0].Front)
	// at returns the first member, by x, that is at least as good as y.
	at := func(y float64) (Point, bool) {
		i := slices.IndexFunc(front, func(p Point) bool { return sy*p.Y <= sy*y })
		if i < 0 {
			return Point{}, false
		}
		return front[i], true
	}
	dominated := 0
	var best *Reference
	var match Point
	for i := range f.References {
		r := &f.References[i]
		m, ok := at(r.Y)
		if !ok {
			continue
		}
		if sx*m.X <= sx*r.X && (m.X != r.X || m.Y != r.Y) {
			dominated++
		}
		if best == nil || sy*r.Y < sy*best.Y {
			best, match = r, m
		}
	}
	text := fmt.Sprintf("By these measures the front dominates %d of %d reference networks", dominated, len(f.References))
	if best == nil || f.X.Name == "" || f.X.Maximize || best.X <= 0 {
		return text
	}
	name := best.Label
	if best.Group != "" {
		name = best.Group + " " + best.Label
	}
	change := 100 * (match.X/best.X - 1)
	word := "less"
	if change > 0 {
		word = "more"
	}
	return fmt.Sprintf("%s; %s is matched with %.0f %% %s %s", text, name, math.Abs(change), word, f.X.Name)
}
