package html

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"nas/internal/report"
)

// What a page draws of a long run. A trial takes some 140 bytes of the page, and a
// browser slows down with each: these are below 4 MB, and open in a moment.
const (
	maxTried      = 20000 // feasible trials
	maxInfeasible = 5000
	nearFront     = 5000 // at most, of the feasible ones, for being next to the front
	acrossX       = 64   // cells of the picture, from which the others are taken
	acrossY       = 48
	cells         = acrossX * acrossY
)

// sample is what a page draws of its trials where these are too many.
type sample struct {
	trials          []int // places in Page.Trials, rising
	tried, bad      int   // feasible and infeasible trials that there are
	drawn, drawnBad int   // of them, those in trials
	near            int   // of drawn, members of the front and those next to it
	x, y            [2]float64
}

// sample chooses what to draw: all members of the front, the trials next to it
// (those that are left when the front is taken away, again and again), and of all
// others as many from each cell of the picture as fit, spread evenly over the run.
// It is nil where everything is drawn.
func (p *Page) sample() *sample {
	t := &p.Trials
	s := &sample{tried: t.Feasible()}
	s.bad = t.Len() - s.tried
	if s.tried <= maxTried && s.bad <= maxInfeasible {
		return nil
	}
	keep := make([]bool, t.Len())
	for _, m := range p.Members {
		keep[m.Trial] = true
	}
	s.x, s.y = p.span(p.Fronts.X, func(v report.XY) float64 { return v.X }), p.span(p.Fronts.Y, func(v report.XY) float64 { return v.Y })
	if s.tried > maxTried {
		p.keepNear(keep, nearFront)
	}
	for _, k := range keep {
		if k {
			s.near++
		}
	}
	p.spread(keep, false, maxTried-s.near, s)
	p.spread(keep, true, maxInfeasible, s)
	for i, k := range keep {
		if !k {
			continue
		}
		s.trials = append(s.trials, i)
		if t.infeasible[i] {
			s.drawnBad++
		} else {
			s.drawn++
		}
	}
	return s
}

// span is from the best of an axis to the worst hundredth of the feasible trials,
// or of all where none is; NaN where none has a place on it.
func (p *Page) span(a report.Axis, of func(report.XY) float64) [2]float64 {
	t := &p.Trials
	none := t.Feasible() == 0
	values := make([]float64, 0, t.Len())
	for i, v := range t.at {
		if v := of(v); (none || !t.infeasible[i]) && !math.IsInf(v, 0) && (!a.Log || v > 0) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return [2]float64{math.NaN(), math.NaN()}
	}
	slices.Sort(values)
	cut := len(values) / 100
	if a.Maximize {
		return [2]float64{values[cut], values[len(values)-1]}
	}
	return [2]float64{values[0], values[len(values)-1-cut]}
}

// keepNear marks whole layers of the feasible trials, from the front on, as long as
// they have at most n members together.
func (p *Page) keepNear(keep []bool, n int) {
	layers := p.layers()
	var size []int
	for _, l := range layers {
		if l < 0 {
			continue
		}
		for int(l) >= len(size) {
			size = append(size, 0)
		}
		size[l]++
	}
	end := 0
	for sum := 0; end < len(size) && sum+size[end] <= n; end++ {
		sum += size[end]
	}
	for i, l := range layers {
		keep[i] = keep[i] || l >= 0 && int(l) < end
	}
}

// layers returns for each feasible trial in which layer of the picture it is: 0 where
// no other is at least as good in both axes and better in one, 1 where only such of
// layer 0 are, and so on; -1 for infeasible ones. In the order of x, a trial belongs
// to the first layer whose best y so far is worse than its own.
func (p *Page) layers() []int32 {
	t := &p.Trials
	cost := func(i int32) report.XY {
		v := t.at[i]
		if p.Fronts.X.Maximize {
			v.X = -v.X
		}
		if p.Fronts.Y.Maximize {
			v.Y = -v.Y
		}
		return v
	}
	layers, order := make([]int32, t.Len()), make([]int32, 0, t.Len())
	for i := range layers {
		if layers[i] = -1; !t.infeasible[i] {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := cost(i), cost(j)
		return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y), cmp.Compare(i, j))
	})
	var best []float64 // y of each layer so far, rising
	for k, i := range order {
		if k > 0 && cost(order[k-1]) == cost(i) {
			layers[i] = layers[order[k-1]]
			continue
		}
		y := cost(i).Y
		l, _ := slices.BinarySearchFunc(best, y, func(b, y float64) int {
			if b <= y {
				return -1
			}
			return 1
		})
		if l == len(best) {
			best = append(best, y)
		} else {
			best[l] = y
		}
		layers[i] = int32(l)
	}
	return layers
}

// spread marks at most room of the trials that are not kept yet, the feasible or the
// infeasible ones: of each cell of the picture all, or as many as of any other, and
// at least one.
func (p *Page) spread(keep []bool, infeasible bool, room int, s *sample) {
	t := &p.Trials
	place := func(a report.Axis, v float64, lohi [2]float64, n int) int {
		lo, hi := lohi[0], lohi[1]
		if a.Log {
			v, lo, hi = math.Log(v), math.Log(lo), math.Log(hi)
		}
		if f := (v - lo) / (hi - lo); f > 0 { // not NaN
			return int(min(f*float64(n), float64(n-1)))
		}
		return 0
	}
	each := func(do func(i, cell int)) {
		for i, v := range t.at {
			if t.infeasible[i] == infeasible && !keep[i] {
				do(i, place(p.Fronts.X, v.X, s.x, acrossX)*acrossY+place(p.Fronts.Y, v.Y, s.y, acrossY))
			}
		}
	}
	var count, seen [cells]int
	most := 0
	each(func(_, cell int) {
		count[cell]++
		most = max(most, count[cell])
	})
	sum := func(limit int) (n int) {
		for _, c := range count {
			n += min(c, limit)
		}
		return n
	}
	limit := 1
	for step := most; step > 0; step /= 2 {
		for limit+step <= most && sum(limit+step) <= room {
			limit += step
		}
	}
	each(func(i, cell int) {
		n, k := count[cell], seen[cell]
		seen[cell]++
		take, phase := min(n, limit), int(uint32(cell)*2654435761%uint32(n)) // cells differ in which parts of the run they take
		keep[i] = ((k+1)*take+phase)/n > (k*take+phase)/n
	})
}

// note says on the page what is drawn of what there is.
func (s *sample) note() string {
	text := fmt.Sprintf("All %s feasible trials are drawn", report.Thousands(s.tried))
	if s.drawn < s.tried {
		text = fmt.Sprintf("Drawn are %s of %s feasible trials: the front and what comes next to it (%s), and of the others an even share of each part of the picture",
			report.Thousands(s.drawn), report.Thousands(s.tried), report.Thousands(s.near))
	}
	if s.bad > 0 {
		text += fmt.Sprintf("; and %s of %s infeasible ones", report.Thousands(s.drawnBad), report.Thousands(s.bad))
	}
	return text + ". The run's directory has them all: nas show."
}
