package searchtest

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"

	"nas/internal/fault"
	"nas/search"
	"nas/space"
)

// Vector is a problem over real vectors with a known Pareto front, as a search
// space: three genes hold a variable as one of 2^40+1 evenly spaced values.
// Crossover and mutation are the real-coded ones that the literature's figures
// are made with. Both objectives, "f1" and "f2", are to be minimised.
type Vector struct {
	Name      string
	Low, High []float64 // bounds of the variables
	Eval      func(x []float64) (f1, f2 float64)
	// Front returns f2 of the Pareto front over f1 in Range; Gap reports values
	// of f1 at which the front has no point (a disconnected front).
	Front     func(f1 float64) float64
	Range     [2]float64
	Gap       func(f1 float64) bool
	Reference []float64 // of the hypervolume
}

const levels = 1 << 40

// The distribution indices of simulated binary crossover (Deb and Agrawal, 1995)
// and polynomial mutation (Deb and Goyal, 1996).
const (
	etaCrossover = 15
	etaMutation  = 20
)

// at returns variable i, as a number of levels, and set sets it.
func at(g space.Genes, i int) int {
	return int(g[3*i])<<32 | int(g[3*i+1])<<16 | int(g[3*i+2])
}

func set(g space.Genes, i, x int) {
	g[3*i], g[3*i+1], g[3*i+2] = uint16(x>>32), uint16(x>>16), uint16(x)
}

// Objectives returns f1 and f2.
func (v *Vector) Objectives() []search.Objective {
	return []search.Objective{{Name: "f1"}, {Name: "f2"}}
}

// Size implements [search.Space].
func (v *Vector) Size() *big.Int {
	return new(big.Int).Exp(big.NewInt(levels+1), big.NewInt(int64(len(v.Low))), nil)
}

// Sample draws every variable uniformly.
func (v *Vector) Sample(r *rand.Rand) space.Genes {
	g := make(space.Genes, 3*len(v.Low))
	for i := range v.Low {
		set(g, i, r.IntN(levels+1))
	}
	return g
}

// Canonical returns g: distinct genes are distinct points.
func (v *Vector) Canonical(g space.Genes) space.Genes { return append(space.Genes(nil), g...) }

// Mutate is polynomial mutation of each variable with probability 1/n, bounded as
// in Deb's code for NSGA-II.
func (v *Vector) Mutate(g space.Genes, r *rand.Rand) space.Genes {
	out := append(space.Genes(nil), g...)
	n := len(v.Low)
	for i := range n {
		if r.IntN(n) != 0 {
			continue
		}
		x, u := float64(at(out, i))/levels, r.Float64()
		var d float64
		if u < 0.5 {
			d = math.Pow(2*u+(1-2*u)*math.Pow(1-x, etaMutation+1), 1.0/(etaMutation+1)) - 1
		} else {
			d = 1 - math.Pow(2*(1-u)+2*(u-0.5)*math.Pow(x, etaMutation+1), 1.0/(etaMutation+1))
		}
		set(out, i, quantise(x+d))
	}
	return out
}

// Crossover is simulated binary crossover of each variable with probability
// 1/2, bounded as in Deb's code for NSGA-II; the child is either of the two.
func (v *Vector) Crossover(a, b space.Genes, r *rand.Rand) space.Genes {
	out := append(space.Genes(nil), a...)
	second := r.IntN(2) == 1
	for i := range v.Low {
		p, q := at(a, i), at(b, i)
		if p == q || r.IntN(2) == 0 {
			if second {
				set(out, i, q)
			}
			continue
		}
		lo, hi := float64(min(p, q))/levels, float64(max(p, q))/levels
		u := r.Float64()
		// spread is the spread factor for a parent at this distance from its bound.
		spread := func(distance float64) float64 {
			alpha := 2 - math.Pow(1+2*distance/(hi-lo), -(etaCrossover+1))
			if u <= 1/alpha {
				return math.Pow(u*alpha, 1.0/(etaCrossover+1))
			}
			return math.Pow(1/(2-u*alpha), 1.0/(etaCrossover+1))
		}
		low := 0.5 * (lo + hi - spread(lo)*(hi-lo))
		high := 0.5 * (lo + hi + spread(1-hi)*(hi-lo))
		if r.IntN(2) == 0 {
			low, high = high, low
		}
		if second {
			low = high
		}
		set(out, i, quantise(low))
	}
	return out
}

func quantise(x float64) int { return int(math.Round(min(1, max(0, x)) * levels)) }

// Encode implements [search.Encoder]: each variable between 0 and 1.
func (v *Vector) Encode(g space.Genes) []float64 {
	x := make([]float64, len(v.Low))
	for i := range x {
		x[i] = float64(at(g, i)) / levels
	}
	return x
}

// Evaluate implements [search.Evaluator].
func (v *Vector) Evaluate(_ context.Context, c search.Candidate) (search.Result, error) {
	if len(c.Genes) != 3*len(v.Low) {
		return search.Result{}, fault.Errorf("searchtest: %s has %d variables in three genes each, not %d genes",
			v.Name, len(v.Low), len(c.Genes))
	}
	x := v.Encode(c.Genes)
	for i := range x {
		x[i] = v.Low[i] + (v.High[i]-v.Low[i])*x[i]
	}
	f1, f2 := v.Eval(x)
	return search.Result{Objectives: map[string]float64{"f1": f1, "f2": f2}}, nil
}

// FrontPoints returns n points of the Pareto front, evenly spaced in f1.
func (v *Vector) FrontPoints(n int) [][]float64 {
	var out [][]float64
	for i := range n {
		f1 := v.Range[0] + (v.Range[1]-v.Range[0])*float64(i)/float64(n-1)
		if v.Gap == nil || !v.Gap(f1) {
			out = append(out, []float64{f1, v.Front(f1)})
		}
	}
	return out
}

// ZDT returns problem 1, 2, 3, 4 or 6 of Zitzler, Deb and Thiele, "Comparison of
// multiobjective evolutionary algorithms: empirical results", Evolutionary
// Computation 8(2), 2000, with 30, 30, 30, 10 and 10 variables; nil for others.
// (Problem 5 is over bits.)
func ZDT(number int) *Vector {
	n := map[int]int{1: 30, 2: 30, 3: 30, 4: 10, 6: 10}[number]
	if n == 0 {
		return nil
	}
	v := &Vector{
		Name: fmt.Sprintf("zdt%d", number), Low: make([]float64, n), High: make([]float64, n),
		Range: [2]float64{0, 1}, Reference: []float64{1.1, 1.1},
	}
	for i := range v.High {
		v.High[i] = 1
	}
	mean := func(x []float64) float64 {
		sum := 0.0
		for _, xi := range x[1:] {
			sum += xi
		}
		return sum / float64(n-1)
	}
	switch number {
	case 1:
		v.Front = func(f1 float64) float64 { return 1 - math.Sqrt(f1) }
		v.Eval = func(x []float64) (float64, float64) {
			g := 1 + 9*mean(x)
			return x[0], g * (1 - math.Sqrt(x[0]/g))
		}
	case 2:
		v.Front = func(f1 float64) float64 { return 1 - f1*f1 }
		v.Eval = func(x []float64) (float64, float64) {
			g := 1 + 9*mean(x)
			return x[0], g * (1 - (x[0]/g)*(x[0]/g))
		}
	case 3:
		v.Front = func(f1 float64) float64 { return 1 - math.Sqrt(f1) - f1*math.Sin(10*math.Pi*f1) }
		v.Eval = func(x []float64) (float64, float64) {
			g := 1 + 9*mean(x)
			return x[0], g * (1 - math.Sqrt(x[0]/g) - x[0]/g*math.Sin(10*math.Pi*x[0]))
		}
		// A point is off the front if a smaller f1 has a smaller f2.
		v.Gap = func(f1 float64) bool {
			f2 := v.Front(f1)
			const steps = 4000
			for i := 0; i < steps; i++ {
				if z := f1 * float64(i) / steps; v.Front(z) <= f2 {
					return true
				}
			}
			return false
		}
	case 4:
		for i := 1; i < n; i++ {
			v.Low[i], v.High[i] = -5, 5
		}
		v.Front = func(f1 float64) float64 { return 1 - math.Sqrt(f1) }
		v.Eval = func(x []float64) (float64, float64) {
			g := 1 + 10*float64(n-1)
			for _, xi := range x[1:] {
				g += xi*xi - 10*math.Cos(4*math.Pi*xi)
			}
			return x[0], g * (1 - math.Sqrt(x[0]/g))
		}
	case 6:
		v.Range[0] = 0.2807753191
		v.Front = func(f1 float64) float64 { return 1 - f1*f1 }
		v.Eval = func(x []float64) (float64, float64) {
			f1 := 1 - math.Exp(-4*x[0])*math.Pow(math.Sin(6*math.Pi*x[0]), 6)
			g := 1 + 9*math.Pow(mean(x), 0.25)
			return f1, g * (1 - (f1/g)*(f1/g))
		}
	}
	return v
}
