package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// subtitle is the given subtitle and the verdict on the front.
func (f Fronts) subtitle() string {
	if v := f.Verdict(); v != "" {
		if f.Subtitle == "" {
			return v
		}
		return f.Subtitle + ". " + v
	}
	return f.Subtitle
}

// Verdict compares the front of the first series with the reference networks in one
// sentence. It says how many of them the front dominates, and at which x the front
// matches the y of the best reference in its reach. If no reference is in reach, it
// says what might help. Without a front or references it is empty.
func (f Fronts) Verdict() string {
	f.References = slices.DeleteFunc(slices.Clone(f.References), func(r Reference) bool { return r.Published })
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
	var best *Reference // of those in reach
	var match Point
	nearest := &f.References[0] // of those beyond it, if all are
	for i := range f.References {
		r := &f.References[i]
		if sy*r.Y > sy*nearest.Y {
			nearest = r
		}
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
	if best == nil {
		text := fmt.Sprintf("The reference networks are out of this space's reach: %s, the nearest, has %s, the best here %s",
			nearest.name(), f.Y.figure(nearest.Y), f.Y.figure(front[len(front)-1].Y))
		if f.Y.Maximize { // of a cost, larger networks have more
			text += ". More depth or channels, or wider limits, would let it compete"
		}
		return text
	}
	text := fmt.Sprintf("By these measures the front dominates %d of %d reference networks", dominated, len(f.References))
	if f.X.Name == "" || f.X.Maximize || best.X <= 0 {
		return text
	}
	change := 100 * (match.X/best.X - 1)
	word := "less"
	if change > 0 {
		word = "more"
	}
	text = fmt.Sprintf("%s; %s is matched with %.0f %% %s %s", text, best.name(), math.Abs(change), word, f.X.Name)
	if dominated == 0 {
		text += ". More evaluations, or a space with choices nearer to theirs, may do better"
	}
	return text
}

func (r *Reference) name() string {
	if r.Group == "" {
		return r.Label
	}
	return r.Group + " " + r.Label
}

// figure is a value of the axis with its unit.
func (a Axis) figure(v float64) string {
	if a.Unit == "%" {
		return fmt.Sprintf("%.1f %%", v)
	}
	return strings.TrimSpace(fmt.Sprintf("%.3g %s", v, a.Unit))
}
