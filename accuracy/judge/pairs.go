package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"nas/accuracy"
	"nas/accuracy/benchmark"
	"nas/blocks"
	"nas/internal/stat"
)

// PairReport says how a score orders pairs of networks of one recipe class. Pairs of
// equal accuracy do not count. A tie of the score counts as half right.
type PairReport struct {
	Pairs    int     `json:"pairs"`
	RightPct float64 `json:"right_pct"`

	right float64
}

func (p *PairReport) add(score, truth float64) {
	if truth == 0 {
		return
	}
	p.Pairs++
	switch {
	case score == 0:
		p.right += 0.5
	case (score > 0) == (truth > 0):
		p.right++
	}
	p.RightPct = 100 * p.right / float64(p.Pairs)
}

// Tau is Kendall's tau of the pairs: the share of right ones less that of wrong ones.
func (p PairReport) Tau() float64 { return p.RightPct/50 - 1 }

// nearMACs is the largest ratio of the MACs of two networks of about equal cost.
const nearMACs = 1.1

// nearPairs judges the pairs whose MACs differ by at most a tenth.
func nearPairs(rows []benchmark.Row, scores []float64) PairReport {
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(rows[a].MACs - rows[b].MACs) })
	var p PairReport
	for k, i := range order {
		for _, j := range order[k+1:] {
			if float64(rows[j].MACs) > nearMACs*float64(rows[i].MACs) {
				break
			}
			if rows[i].Recipe == rows[j].Recipe {
				p.add(scores[j]-scores[i], rows[j].Truth-rows[i].Truth)
			}
		}
	}
	return p
}

// oneThing lists the traits in which alone pairs of trained networks are to differ.
var oneThing = []accuracy.Trait{accuracy.SE, accuracy.Activation, accuracy.KernelSize}

// severalThings is the key of pairs that differ in more than one of them.
const severalThings = "several of these"

// oneThingPairs judges the pairs of networks that are equal but for squeeze-and-excite,
// activations or kernel sizes. It lists those that differ in one of these traits alone
// and have different accuracies.
func oneThingPairs(rows []benchmark.Row, scores []accuracy.Score) (map[string]PairReport, []Pair) {
	same := make(map[string][]int) // by what is left without all three
	for i := range rows {
		key := rows[i].Recipe + "\n" + signature(rows[i].Network, oneThing...)
		same[key] = append(same[key], i)
	}
	out := make(map[string]PairReport)
	var list []Pair
	for _, like := range same {
		for k, i := range like {
			for _, j := range like[:k] {
				if signature(rows[i].Network) == signature(rows[j].Network) {
					continue // one network, trained twice
				}
				kind := ""
				for _, t := range oneThing {
					if signature(rows[i].Network, t) == signature(rows[j].Network, t) {
						kind = string(t)
					}
				}
				if kind == "" {
					kind = severalThings
				}
				p := out[kind]
				p.add(scores[i].Value-scores[j].Value, rows[i].Truth-rows[j].Truth)
				out[kind] = p
				if kind != severalThings && rows[i].Truth != rows[j].Truth {
					list = append(list, pairOf(rows, scores, j, i, kind))
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Differ, b.Differ), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	return out, list
}

// signature spells out a network without some of its traits. Networks with equal
// signatures are equal but for these traits.
func signature(n *blocks.Network, without ...accuracy.Trait) string {
	gate := make([]bool, len(n.Nodes)) // on the way to a gate's product
	for i := len(n.Nodes) - 1; i > 0; i-- {
		nd := &n.Nodes[i]
		if _, ok := nd.Op.(*blocks.Mul); ok && n.Nodes[nd.Inputs[1]].Shape.IsVector() {
			gate[i], gate[nd.Inputs[1]] = true, true
		} else if gate[i] && nd.Shape.IsVector() && n.Nodes[nd.Inputs[0]].Shape.IsVector() {
			gate[nd.Inputs[0]] = true
		}
	}
	var s strings.Builder
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		if gate[i] && slices.Contains(without, accuracy.SE) {
			continue
		}
		fmt.Fprintf(&s, "%s %v", nd.Op.Kind(), nd.Shape)
		switch op := nd.Op.(type) {
		case *blocks.Conv:
			if !slices.Contains(without, accuracy.KernelSize) {
				fmt.Fprintf(&s, " k%v", op.Kernel)
			}
			fmt.Fprintf(&s, " s%v d%v g%d", op.Stride, op.Dilation, op.G())
		case *blocks.Activation:
			if !slices.Contains(without, accuracy.Activation) {
				fmt.Fprintf(&s, " %v", op.Func)
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// groupTaus returns Kendall's tau in each group of networks.
func groupTaus(rows []benchmark.Row, scores []float64) map[string]float64 {
	x, y := map[string][]float64{}, map[string][]float64{}
	for i, r := range rows {
		x[r.Group], y[r.Group] = append(x[r.Group], scores[i]), append(y[r.Group], r.Truth)
	}
	out := make(map[string]float64, len(x))
	for g := range x {
		if tau := stat.KendallTau(x[g], y[g]); g != "" && !math.IsNaN(tau) {
			out[g] = tau
		}
	}
	return out
}

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
