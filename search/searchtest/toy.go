package searchtest

import (
	"context"
	"errors"
	"iter"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"

	"nas/search"
	"nas/space"
)

// Toy is a small discrete problem with what real ones have: genes that interact,
// genes that are dead (the last gene has no effect while the first is 0), a
// constraint, evaluations that fail. "cost" is to be minimised, "gain" to be
// maximised.
type Toy struct {
	Genes, Choices int
	// MaxCost is the largest feasible cost; 0 means no constraint. It is found
	// before the gain is computed.
	MaxCost float64
	// FailEvery makes about one in so many evaluations fail, always the same
	// networks. 0 means none, 1 all.
	FailEvery int
}

// Objectives returns cost and gain.
func (p *Toy) Objectives() []search.Objective {
	return []search.Objective{{Name: "cost", Unit: "coins"}, {Name: "gain", Direction: search.Maximize}}
}

// Reference is worse than every point.
func (p *Toy) Reference() []float64 { return []float64{p.cost(p.top()) + 1, -1} }

func (p *Toy) top() space.Genes {
	return slices.Repeat(space.Genes{uint16(p.Choices - 1)}, p.Genes)
}

// Size implements [search.Space].
func (p *Toy) Size() *big.Int {
	n := int64(1)
	for range p.Genes - 2 {
		n *= int64(p.Choices)
	}
	return big.NewInt(n * (1 + int64(p.Choices)*int64(p.Choices-1)))
}

// Sample implements [search.Space].
func (p *Toy) Sample(r *rand.Rand) space.Genes {
	g := make(space.Genes, p.Genes)
	for i := range g {
		g[i] = uint16(r.IntN(p.Choices))
	}
	return p.fix(g)
}

// Mutate implements [search.Space]: each gene changes with probability 1/n.
func (p *Toy) Mutate(g space.Genes, r *rand.Rand) space.Genes {
	out := slices.Clone(g)
	for i := range out {
		if r.IntN(len(out)) == 0 {
			out[i] = uint16(r.IntN(p.Choices))
		}
	}
	return p.fix(out)
}

// Crossover implements [search.Space]: each gene comes from either parent.
func (p *Toy) Crossover(a, b space.Genes, r *rand.Rand) space.Genes {
	out := slices.Clone(a)
	for i := range out {
		if r.IntN(2) == 0 {
			out[i] = b[i]
		}
	}
	return p.fix(out)
}

// Canonical implements [search.Space].
func (p *Toy) Canonical(g space.Genes) space.Genes { return p.fix(slices.Clone(g)) }

func (p *Toy) fix(g space.Genes) space.Genes {
	if g[0] == 0 {
		g[p.Genes-1] = 0
	}
	return g
}

// All implements [search.Lister].
func (p *Toy) All() iter.Seq[space.Genes] {
	return func(yield func(space.Genes) bool) {
		g := make(space.Genes, p.Genes)
		for {
			if (g[0] > 0 || g[p.Genes-1] == 0) && !yield(slices.Clone(g)) {
				return
			}
			i := 0
			for ; i < p.Genes; i++ {
				if g[i]++; int(g[i]) < p.Choices {
					break
				}
				g[i] = 0
			}
			if i == p.Genes {
				return
			}
		}
	}
}

func (p *Toy) cost(g space.Genes) float64 {
	sum := 0.0
	for i, v := range g {
		sum += float64((i + 1) * int(v) * int(v))
	}
	return sum
}

func (p *Toy) gain(g space.Genes) float64 {
	sum := 0.0
	for i, v := range g {
		sum += math.Sqrt(float64(int(v) * (1 + (i*5)%7)))
		if i > 0 && v == g[i-1] { // neighbours that agree help
			sum += 0.5 * float64(v)
		}
	}
	return sum
}

// Valid reports whether g is a canonical genotype.
func (p *Toy) Valid(g space.Genes) bool {
	if len(g) != p.Genes || g[0] == 0 && g[p.Genes-1] != 0 {
		return false
	}
	for _, v := range g {
		if int(v) >= p.Choices {
			return false
		}
	}
	return true
}

// Evaluate implements [search.Evaluator].
func (p *Toy) Evaluate(_ context.Context, c search.Candidate) (search.Result, error) {
	if p.FailEvery > 0 {
		h := 0
		for _, v := range c.Genes {
			h = h*31 + int(v)
		}
		if h%p.FailEvery == 0 {
			return search.Result{}, errors.New("the device hung up")
		}
	}
	r := search.Result{Objectives: map[string]float64{"cost": p.cost(c.Genes)}}
	if p.MaxCost > 0 && !r.AtMost("max_cost", p.cost(c.Genes), p.MaxCost) {
		r.Screened = true
		return r, nil
	}
	r.Objectives["gain"] = p.gain(c.Genes)
	return r, nil
}
