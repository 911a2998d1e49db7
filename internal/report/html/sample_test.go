package html

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nas/internal/report"
)

// longPage is the page of a run that converged to its front: about n feasible trials,
// denser towards the front, and about bad infeasible ones of a higher latency.
func longPage(n, bad int) Page {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	p := Page{Dir: "results/long", Fronts: report.Fronts{
		Title: "long",
		X:     report.Axis{Label: "latency", Unit: "ms", Log: true},
		Y:     report.Axis{Label: "score", Maximize: true},
	}}
	for i := range n + bad {
		x := math.Exp(3 * r.Float64())
		y := 60 + 8*math.Log(x) - 10*r.ExpFloat64()
		ok := r.IntN(n+bad) < n
		if !ok {
			x *= 4
		}
		arch := fmt.Appendf(nil, "224x224x3 | conv_k3_s2_c%d_relu6 | classifier_n%d", i%97, i%89)
		p.Trials.Add(i, fmt.Appendf(nil, "%012x", i), arch, report.XY{X: x, Y: y}, int64(i), int64(i), ok)
	}
	for i, rank := range p.ranks() {
		if rank == 0 {
			p.Members = append(p.Members, Member{Trial: i})
		}
	}
	return p
}

// TestRanks holds the ranks in the picture to their definition.
func TestRanks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, max := range [][2]bool{{false, true}, {true, false}, {false, false}} {
		p := Page{Fronts: report.Fronts{X: report.Axis{Maximize: max[0]}, Y: report.Axis{Maximize: max[1]}}}
		for i := range 300 { // with equals, in one axis and in both
			p.Trials.Add(i, nil, nil, report.XY{X: float64(r.IntN(20)), Y: float64(r.IntN(20))}, 0, 0, r.IntN(5) > 0)
		}
		got, left := p.ranks(), []int{}
		for i := range got {
			if _, ok := p.Trials.Point(i); ok {
				left = append(left, i)
			} else if got[i] != -1 {
				t.Errorf("infeasible trial %d has rank %d", i, got[i])
			}
		}
		cost := func(i int) (x, y float64) {
			v, _ := p.Trials.Point(i)
			if max[0] {
				v.X = -v.X
			}
			if max[1] {
				v.Y = -v.Y
			}
			return v.X, v.Y
		}
		for rank := 0; len(left) > 0; rank++ {
			all := slices.Clone(left)
			left = slices.DeleteFunc(left, func(i int) bool {
				x, y := cost(i)
				free := !slices.ContainsFunc(all, func(j int) bool {
					u, v := cost(j)
					return u <= x && v <= y && (u < x || v < y)
				})
				if free && got[i] != rank {
					t.Errorf("trial %d has rank %d, want %d", i, got[i], rank)
				}
				return free
			})
		}
	}
}

// TestSample: what is drawn of a long run holds the front and what is next to it, and
// something of everywhere; what it says of itself is true.
func TestSample(t *testing.T) {
	p := longPage(2000, 500)
	if p.sample() != nil {
		t.Error("a short run is not drawn whole")
	}
	p = longPage(60000, 20000)
	s := p.sample()
	if !slices.IsSorted(s.trials) || len(slices.Compact(slices.Clone(s.trials))) != len(s.trials) {
		t.Fatal("the trials do not rise")
	}
	drawn := map[int]bool{}
	tried, bad := 0, 0
	for _, i := range s.trials {
		drawn[i] = true
		if _, ok := p.Trials.Point(i); ok {
			tried++
		} else {
			bad++
		}
	}
	if tried != s.drawnFeasible || bad != s.drawnInfeasible || s.feasible+s.infeasible != p.Trials.Len() {
		t.Errorf("it counts %d, %d of %d, %d; drawn are %d, %d of %d together",
			s.drawnFeasible, s.drawnInfeasible, s.feasible, s.infeasible, tried, bad, p.Trials.Len())
	}
	if tried > maxFeasible || tried < maxFeasible*9/10 || bad > maxInfeasible || bad < maxInfeasible*8/10 {
		t.Errorf("%d feasible and %d infeasible trials are drawn, want nearly %d and %d",
			tried, bad, maxFeasible, maxInfeasible)
	}
	near, next := 0, 0
	for i, rank := range p.ranks() {
		if rank >= 0 && rank < 3 {
			if near++; drawn[i] {
				next++
			}
		}
	}
	if next != near || near < 200 || near > nearFront {
		t.Errorf("%d of %d trials of the first three fronts are drawn", next, near)
	}
	for _, m := range p.Members {
		if !drawn[m.Trial] {
			t.Errorf("trial %d, of the front, is not drawn", m.Trial)
		}
	}
	// Wherever there is a trial, one is drawn nearby; and from all of the run.
	type place struct {
		x, y int
		ok   bool
	}
	all, some := map[place]int{}, map[place]bool{}
	var parts [10]int
	for i := range p.Trials.Len() {
		v, ok := p.Trials.Point(i)
		at := place{int(5 * math.Log(v.X)), int(v.Y / 4), ok}
		if v.X > s.x[1] || v.Y < s.y[0] {
			continue // outside of the picture
		}
		all[at]++
		if drawn[i] {
			some[at] = true
			parts[i*10/p.Trials.Len()]++
		}
	}
	many := 0
	for at, n := range all {
		if n < 10 {
			continue
		}
		if many++; !some[at] {
			t.Errorf("of the %d trials at %+v none is drawn", n, at)
		}
	}
	if many < 100 {
		t.Errorf("only %d parts of the picture have trials", many)
	}
	if least, most := slices.Min(parts[:]), slices.Max(parts[:]); 3*least < 2*most {
		t.Errorf("of tenths of the run %v trials are drawn", parts)
	}
}

// A front of more members than are drawn of a run is drawn whole.
func TestSampleOfALargeFront(t *testing.T) {
	p := longPage(50000, 0)
	p.Members = nil
	for i := range maxFeasible + 1000 {
		p.Members = append(p.Members, Member{Trial: i})
	}
	s := p.sample()
	if s.trials[maxFeasible+999] != maxFeasible+999 || s.drawnFeasible > maxFeasible+1000+nearFront+cells {
		t.Errorf("%d trials are drawn", s.drawnFeasible)
	}
}

// The page of a long run is small, the same each time, and says what it lacks.
func TestPageOfALongRun(t *testing.T) {
	p := longPage(60000, 20000)
	b := writePage(t, p)
	if len(b) > 4<<20 {
		t.Errorf("a page of %d bytes, want less than 4 MiB", len(b))
	}
	if !bytes.Equal(b, writePage(t, p)) {
		t.Error("the same run gives another page")
	}
	s := p.sample()
	for _, want := range []string{s.note(), fmt.Sprintf(`"of":{"tried":%d,"infeasible":%d,`, s.feasible, s.infeasible)} {
		if !bytes.Contains(b, []byte(strings.ReplaceAll(want, "'", "&#39;"))) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if p := longPage(2000, 500); bytes.Contains(writePage(t, p), []byte(`"of":`)) {
		t.Error("a page with all trials says that some are left out")
	}
}
