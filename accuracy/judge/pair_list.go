package judge

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"nas/accuracy"
	"nas/accuracy/benchmark"
	"nas/blocks"
)

// Pair is two trained networks that differ in one trait alone. Differences are those of
// To less From, in the units of accuracy and score.
type Pair struct {
	From      string  `json:"from"` // id; the one with fewer MACs
	To        string  `json:"to"`
	Differ    string  `json:"differ"`    // a [Trait]
	Change    string  `json:"change"`    // of it, such as "gates 0 -> 13"
	Published float64 `json:"published"` // points
	Estimated float64 `json:"estimated"`
	// Interval is the 90 % interval of the estimated difference; nil where the score has
	// no error of differences ([accuracy.Score.Between]).
	Interval *[2]float64 `json:"interval,omitempty"`
	Order    string      `json:"order"` // "right", "wrong"; "tie" where the score sees none, which is half right

	from, to int // rows
}

// mostPairs is the length of the longest list that is reported.
const mostPairs = 100

// sd90 is half the width of a 90 % interval of a normal distribution, in standard
// deviations.
const sd90 = 1.645

// pairOf compares two rows, which differ in one trait alone.
func pairOf(rows []benchmark.Row, scores []accuracy.Score, from, to int, differ string) Pair {
	if rows[from].MACs > rows[to].MACs {
		from, to = to, from
	}
	p := Pair{From: rows[from].ID, To: rows[to].ID, Differ: differ, from: from, to: to,
		Change:    changeOf(rows[from].Network, rows[to].Network, accuracy.Trait(differ)),
		Published: rows[to].Truth - rows[from].Truth, Estimated: scores[to].Value - scores[from].Value}
	switch { // as PairReport.add
	case p.Estimated == 0:
		p.Order = "tie"
	case (p.Estimated > 0) == (p.Published > 0):
		p.Order = "right"
	default:
		p.Order = "wrong"
	}
	if h := sd90 * math.Hypot(scores[from].Between, scores[to].Between); h > 0 {
		p.Interval = &[2]float64{p.Estimated - h, p.Estimated + h}
	}
	return p
}

// changeOf says how a trait differs between two networks that are otherwise equal.
func changeOf(a, b *blocks.Network, t accuracy.Trait) string {
	x, y := traitOf(a, t), traitOf(b, t)
	change := x + " -> " + y
	if t == accuracy.SE {
		change = "gates " + change
	}
	if x == y {
		change += ", in other blocks"
	}
	return change
}

// traitOf spells out a trait of a network: the number of gates, the activations, or the
// number of convolutions of each kernel size above 1.
func traitOf(n *blocks.Network, t accuracy.Trait) string {
	gates := 0
	kernels, acts := map[int]int{}, map[string]int{}
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		switch op := nd.Op.(type) {
		case *blocks.Mul:
			if n.Nodes[nd.Inputs[1]].Shape.IsVector() {
				gates++
			}
		case *blocks.Conv:
			if k := max(op.Kernel[0], op.Kernel[1]); k > 1 {
				kernels[k]++
			}
		case *blocks.Activation:
			if !nd.Shape.IsVector() { // those of gates do not count
				acts[op.Func.String()]++
			}
		}
	}
	var parts []string
	switch t {
	case accuracy.SE:
		return fmt.Sprint(gates)
	case accuracy.KernelSize:
		for k, n := range kernels {
			parts = append(parts, fmt.Sprintf("%dx%d x %d", k, k, n))
		}
	default:
		for f := range acts {
			parts = append(parts, f)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
