package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"nas/space"
)

// finalRows are networks whose cost is a line in their trait, less 2 where the second choice was made, and noise.
func finalRows(n int, noise float64) (rows []finalRow, cost []float64) {
	r := rand.New(rand.NewPCG(3, 1))
	for i := range n {
		trait, g := r.NormFloat64(), float64(i%2)
		rows = append(rows, finalRow{traits: []float64{trait}, value: math.NaN(), genes: []float64{1 - g, g}})
		cost = append(cost, 50+3*trait-2*g+noise*r.NormFloat64())
	}
	return rows, cost
}

// A line and the effect of a choice are found, and what is far from all trials is less certain.
func TestFinalProcess(t *testing.T) {
	rows, cost := finalRows(30, 0.01)
	p := newFinalProcess(rows, cost)
	at := func(trait, g float64) finalRow {
		return finalRow{traits: []float64{trait}, value: math.NaN(), genes: []float64{1 - g, g}}
	}
	for _, c := range []struct{ trait, g, want float64 }{{0, 0, 50}, {0, 1, 48}, {1, 0, 53}, {-1, 1, 45}} {
		if v := p.mean(at(c.trait, c.g)); math.Abs(v-c.want) > 0.3 {
			t.Errorf("%g, %g: %.2f, want %g", c.trait, c.g, v, c.want)
		}
	}
	if near, far := p.spread(at(0, 0)), p.spread(at(5, 0)); far < 1.5*near {
		t.Errorf("standard deviation %g among the trials, %g far from them", near, far)
	}
	if newFinalProcess(rows[:leastFinished-1], cost[:leastFinished-1]) != nil {
		t.Error("a process of three trials")
	}
}

// The standard deviation is that of the noise; a value at the rung that has the same noise takes it away.
func TestFinalProcessRung(t *testing.T) {
	rows, cost := finalRows(60, 1)
	p := newFinalProcess(rows, cost)
	if p.deviation < 0.7 || p.deviation > 1.4 {
		t.Errorf("the error is %.2f, want about 1", p.deviation)
	}
	if s := p.spread(rows[7]); s < 0.7 || s > 1.4 {
		t.Errorf("the standard deviation is %.2f, want about 1", s)
	}
	for i := range rows {
		rows[i].value = cost[i] / 2
	}
	if q := newFinalProcess(rows, cost); q.deviation > 0.5*p.deviation {
		t.Errorf("the error is %.2f with a rung that tells all, %.2f without", q.deviation, p.deviation)
	}
}

// What a trial is predicted to be from the others is what a process without it predicts.
func TestFinalProcessLeftOut(t *testing.T) {
	rows, cost := finalRows(12, 1)
	p := newFinalProcess(rows, cost)
	sum := 0.0
	for i := range rows {
		q := *p // the same scales and parameters, without trial i
		q.rows, q.weights = nil, nil
		var y []float64
		for j := range rows {
			if j != i {
				q.rows, y = append(q.rows, rows[j]), append(y, p.target.of(cost[j]))
			}
		}
		if math.IsInf(q.condition(y), -1) {
			t.Fatal("not positive")
		}
		e := q.mean(rows[i]) - cost[i]
		sum += e * e / float64(len(rows))
	}
	if want := math.Sqrt(sum); math.Abs(p.deviation-want) > 1e-6*want {
		t.Errorf("%g, want %g", p.deviation, want)
	}
}

// Of networks that promise the same the one whose epochs cost less is taken.
func TestWork(t *testing.T) {
	n := &SurrogateNSGA2{usualWork: 10, settings: SurrogateSettings{
		Traits: func(g space.Genes) []float64 { return []float64{float64(g[0])} },
	}}
	for g, want := range map[uint16]float64{0: 0.5, 10: 1, 30: 2} {
		if v := n.work([]uint16{g}); v != want {
			t.Errorf("%d: %g, want %g", g, v, want)
		}
	}
	n.Objectives = []Objective{{Name: "cost"}, {Name: "gain", Direction: Maximize}}
	n.settings.Trained, n.settings.Rungs, n.settings.Batch = "gain", []int{1, 9}, 1
	options := []option{
		{plannedGenes{genes: []uint16{30}}, []float64{1, -5}, 1, 2},
		{plannedGenes{genes: []uint16{10}}, []float64{1, -5}, 1, 1},
	}
	n.finals = []*finalProcess{nil}
	n.chooseByRate(options, [][]float64{{1, -4}}, []float64{2, 0})
	if len(n.next) != 1 || n.next[0].genes[0] != 10 {
		t.Errorf("%+v is taken", n.next)
	}
}
