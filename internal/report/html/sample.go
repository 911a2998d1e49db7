package html

import (
	"fmt"
	"math"
	"slices"

	"nas/internal/report"
	"nas/search/pareto"
)

// Limits of what a page draws of a long run. A trial takes some 140 bytes of the
// page, and each slows the browser down: a page of this many has less than 4 MB and
// opens in a moment.
const (
	maxFeasible   = 20000
	maxInfeasible = 5000
	nearFront     = 5000 // feasible trials that are drawn because they are next to the front
	acrossX       = 64   // cells of the picture, from which the other trials are sampled
	acrossY       = 48
	cells         = acrossX * acrossY
)

// sample is the subset of its trials that a page of a long run draws.
type sample struct {
	trials                         []int // indices into Page.Trials, rising
	feasible, infeasible           int   // trials of the run
	drawnFeasible, drawnInfeasible int   // trials of the sample
	near                           int   // drawn members of the front and trials next to it
	x, y                           [2]float64
}

// sample chooses what to draw: all members of the front; the trials next to it,
// front after front as they remain when those before are taken away; and of all
// others as many from each cell of the picture as the limits allow, evenly over the
// run. It is nil if all trials are drawn.
func (p *Page) sample() *sample {
	t := &p.Trials
	s := &sample{feasible: t.Feasible()}
	s.infeasible = t.Len() - s.feasible
	if s.feasible <= maxFeasible && s.infeasible <= maxInfeasible {
		return nil
	}
	keep := make([]bool, t.Len())
	for _, m := range p.Members {
		keep[m.Trial] = true
	}
	s.x = p.span(p.Fronts.X, func(v report.XY) float64 { return v.X })
	s.y = p.span(p.Fronts.Y, func(v report.XY) float64 { return v.Y })
	if s.feasible > maxFeasible {
		p.keepNear(keep, nearFront)
	}
	for _, k := range keep {
		if k {
			s.near++
		}
	}
	p.keepEvenly(keep, false, maxFeasible-s.near, s)
	p.keepEvenly(keep, true, maxInfeasible, s)
	for i, k := range keep {
		if !k {
			continue
		}
		s.trials = append(s.trials, i)
		if t.infeasible[i] {
			s.drawnInfeasible++
		} else {
			s.drawnFeasible++
		}
	}
	return s
}

// span returns the smallest and the largest value to be drawn on an axis: from the
// best value to the worst but one per cent of the feasible trials, or of all trials
// if none is feasible. Both are NaN if no trial can be drawn.
func (p *Page) span(a report.Axis, of func(report.XY) float64) [2]float64 {
	t := &p.Trials
	all := t.Feasible() == 0
	values := make([]float64, 0, t.Len())
	for i, v := range t.points {
		if v := of(v); (all || !t.infeasible[i]) && !math.IsInf(v, 0) && (!a.Log || v > 0) {
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

// keepNear marks whole fronts of the feasible trials, the best first, as long as they
// have at most n members together.
func (p *Page) keepNear(keep []bool, n int) {
	ranks := p.ranks()
	size := make([]int, slices.Max(ranks)+1)
	for _, r := range ranks {
		if r >= 0 {
			size[r]++
		}
	}
	end := 0
	for sum := 0; end < len(size) && sum+size[end] <= n; end++ {
		sum += size[end]
	}
	for i, r := range ranks {
		keep[i] = keep[i] || r >= 0 && r < end
	}
}

// ranks returns the non-dominated rank of each feasible trial in the picture, see
// [pareto.Sort], and -1 for infeasible ones.
func (p *Page) ranks() []int {
	t := &p.Trials
	points := make([][]float64, 0, t.Len())
	costs := make([]float64, 2*t.Len())
	for i, v := range t.points {
		if t.infeasible[i] {
			continue
		}
		if p.Fronts.X.Maximize {
			v.X = -v.X
		}
		if p.Fronts.Y.Maximize {
			v.Y = -v.Y
		}
		c := costs[2*i : 2*i+2]
		c[0], c[1] = v.X, v.Y
		points = append(points, c)
	}
	feasible, _ := pareto.Sort(points, nil)
	ranks := make([]int, t.Len())
	k := 0
	for i := range ranks {
		if ranks[i] = -1; !t.infeasible[i] {
			ranks[i] = feasible[k]
			k++
		}
	}
	return ranks
}

// keepEvenly marks at most limit of the trials that are not kept yet, feasible or
// infeasible ones. It takes the same number from each cell of the picture, at least
// one, or all if a cell has fewer.
func (p *Page) keepEvenly(keep []bool, infeasible bool, limit int, s *sample) {
	t := &p.Trials
	each := func(do func(i, cell int)) {
		for i, v := range t.points {
			if t.infeasible[i] == infeasible && !keep[i] {
				x, y := cellOf(p.Fronts.X, v.X, s.x, acrossX), cellOf(p.Fronts.Y, v.Y, s.y, acrossY)
				do(i, x*acrossY+y)
			}
		}
	}
	var count, seen [cells]int
	most := 0
	each(func(_, cell int) {
		count[cell]++
		most = max(most, count[cell])
	})
	kept := func(perCell int) (n int) {
		for _, c := range count {
			n += min(c, perCell)
		}
		return n
	}
	perCell := 1
	for step := most; step > 0; step /= 2 {
		for perCell+step <= most && kept(perCell+step) <= limit {
			perCell += step
		}
	}
	each(func(i, cell int) {
		n, k := count[cell], seen[cell]
		seen[cell]++
		// Every n/take-th trial of a cell, from a phase that differs from cell to cell:
		// together they cover the run evenly.
		take, phase := min(n, perCell), int(uint32(cell)*2654435761%uint32(n))
		keep[i] = ((k+1)*take+phase)/n > (k*take+phase)/n
	})
}

// cellOf returns which of n cells between the ends of an axis v lies in. Values beyond
// the ends lie in the first or the last.
func cellOf(a report.Axis, v float64, ends [2]float64, n int) int {
	low, high := ends[0], ends[1]
	if a.Log {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	if f := (v - low) / (high - low); f > 0 { // false for NaN
		return int(min(f*float64(n), float64(n-1)))
	}
	return 0
}

// note is the sentence on the page about what is drawn.
func (s *sample) note() string {
	text := fmt.Sprintf("All %s feasible trials are drawn", report.Thousands(s.feasible))
	if s.drawnFeasible < s.feasible {
		text = fmt.Sprintf("Drawn are %s of %s feasible trials: the front and what comes next to it (%s), "+
			"and of the others an even share of each part of the picture",
			report.Thousands(s.drawnFeasible), report.Thousands(s.feasible), report.Thousands(s.near))
	}
	if s.infeasible > 0 {
		text += fmt.Sprintf("; and %s of %s infeasible ones",
			report.Thousands(s.drawnInfeasible), report.Thousands(s.infeasible))
	}
	return text + ". The run's directory has them all: nas show."
}
