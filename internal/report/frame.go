package report

import (
	"errors"
	"math"
	"slices"
)

// Finite returns f without points that the axes cannot show: NaN, infinite ones, and
// those of no logarithm on a logarithmic axis.
func (f Fronts) Finite() Fronts {
	on := func(v float64, a Axis) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.Log || v > 0) }
	ok := func(x, y float64) bool { return on(x, f.X) && on(y, f.Y) }
	keep := func(ps []XY) []XY {
		return slices.DeleteFunc(slices.Clone(ps), func(p XY) bool { return !ok(p.X, p.Y) })
	}
	refs := func(rs []Reference) []Reference {
		return slices.DeleteFunc(slices.Clone(rs), func(r Reference) bool { return !ok(r.X, r.Y) })
	}
	f.Series = slices.Clone(f.Series)
	for i := range f.Series {
		s := &f.Series[i]
		s.Trials, s.Infeasible, s.Expected = keep(s.Trials), keep(s.Infeasible), keep(s.Expected)
		s.Front = slices.DeleteFunc(slices.Clone(s.Front), func(p Point) bool { return !ok(p.X, p.Y) })
	}
	f.Constraints = slices.DeleteFunc(slices.Clone(f.Constraints), func(k Constraint) bool {
		a := f.X
		if k.OnY {
			a = f.Y
		}
		return !on(k.Value, a)
	})
	f.References, f.Picks = refs(f.References), refs(f.Picks)
	return f
}

type frame struct{ xlo, xhi, ylo, yhi float64 }

func (fr frame) holds(p XY) bool {
	return p.X >= fr.xlo && p.X <= fr.xhi && p.Y >= fr.ylo && p.Y <= fr.yhi
}

// frame returns the range of the axes. It holds the fronts, the references and the
// feasible trials but for the worst 1 % of each axis. Infeasible trials do not count,
// because the worst of them would squeeze the rest.
func (f Fronts) frame() (frame, error) {
	var xs, ys, tx, ty []float64
	add := func(p Point) {
		xs, ys = append(xs, p.X), append(ys, p.Y)
		if p.XLow < p.XHigh && (!f.X.Log || p.XLow > 0) {
			xs = append(xs, p.XLow, p.XHigh)
		}
		if p.YLow < p.YHigh && (!f.Y.Log || p.YLow > 0) {
			ys = append(ys, p.YLow, p.YHigh)
		}
	}
	for _, s := range f.Series {
		for _, p := range s.Front {
			add(p)
		}
		for _, t := range s.Trials {
			tx, ty = append(tx, t.X), append(ty, t.Y)
		}
	}
	if len(xs) == 0 && len(tx) == 0 {
		return frame{}, errors.New("there is no feasible trial to draw")
	}
	for _, r := range f.References {
		add(r.Point)
	}
	for _, c := range f.Constraints {
		if !c.OnY && len(xs) > 0 && c.Value < 1.3*slices.Max(xs) {
			xs = append(xs, c.Value)
		}
	}
	xs, ys = append(xs, central(tx, f.X.Maximize)...), append(ys, central(ty, f.Y.Maximize)...)
	xlo, xhi := pad(slices.Min(xs), slices.Max(xs), f.X.Log)
	ylo, yhi := pad(slices.Min(ys), slices.Max(ys), f.Y.Log)
	return frame{xlo, xhi, ylo, yhi}, nil
}

// central returns the best value and the value that 1 % of all values are worse than.
func central(v []float64, maximize bool) []float64 {
	if len(v) == 0 {
		return nil
	}
	v = slices.Clone(v)
	slices.Sort(v)
	cut := len(v) / 100
	if maximize {
		return []float64{v[cut], v[len(v)-1]}
	}
	return []float64{v[0], v[len(v)-1-cut]}
}

// pad widens a range by a few per cent, and an empty one to something visible.
func pad(lo, hi float64, log bool) (float64, float64) {
	if log {
		lo, hi = pad(math.Log(lo), math.Log(hi), false)
		return math.Exp(lo), math.Exp(hi)
	}
	d := 0.045 * (hi - lo)
	if d == 0 {
		d = max(math.Abs(hi)*0.05, 1e-6)
	}
	if lo >= 0 && lo-d < 0 {
		return 0, hi + d
	}
	return lo - d, hi + d
}

func (f Fronts) trials() int {
	n := 0
	for _, s := range f.Series {
		n += len(s.Trials) + len(s.Infeasible)
	}
	return n
}

func (f Fronts) beyond(fr frame) int {
	n := 0
	for _, s := range f.Series {
		for _, ps := range [][]XY{s.Trials, s.Infeasible} {
			for _, p := range ps {
				if !fr.holds(p) {
					n++
				}
			}
		}
	}
	return n
}
