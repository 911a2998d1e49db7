package pareto

import (
	"slices"
)

// Subset returns the indices of at most n points, in order, that together dominate most up to
// ref. Of two objectives it finds the optimum, by dynamic programming over the sorted front
// (Kuhn, Fonseca, Paquete, Ruzika, Duarte and Figueira, Hypervolume subset selection in two
// dimensions, Evolutionary Computation 24(3), 2016), O(n N^2). Of more it chooses greedily: at
// least 63 % of the optimum, as hypervolume is submodular.
func Subset(costs [][]float64, ref []float64, n int) []int {
	if len(ref) != 2 {
		return greedySubset(costs, ref, n)
	}
	var order []int // of the members that count, by the first objective
	for i, p := range costs {
		if p[0] < ref[0] && p[1] < ref[1] {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return slices.Compare(costs[a], costs[b]) })
	m := len(order)
	n = min(n, m)
	// area[k][j]: the most that k+1 members with j the last dominate to the left of
	// ref. A member j adds, beyond its predecessor i, the strip below i's second value.
	area := make([][]float64, n)
	from := make([][]int, n)
	for k := range n {
		area[k], from[k] = make([]float64, m), make([]int, m)
		for j := range m {
			p := costs[order[j]]
			from[k][j] = -1
			if k == 0 {
				area[k][j] = (ref[0] - p[0]) * (ref[1] - p[1])
				continue
			}
			for i := range j {
				if v := area[k-1][i] + (ref[0]-p[0])*(costs[order[i]][1]-p[1]); v > area[k][j] {
					area[k][j], from[k][j] = v, i
				}
			}
		}
	}
	bestK, bestJ := 0, 0
	for k := range n {
		for j := range m {
			if area[k][j] > area[bestK][bestJ] {
				bestK, bestJ = k, j
			}
		}
	}
	var out []int
	for k, j := bestK, bestJ; j >= 0; k-- {
		out = append(out, order[j])
		j = from[k][j]
	}
	slices.Sort(out)
	return out
}

func greedySubset(costs [][]float64, ref []float64, n int) []int {
	var out []int
	var points [][]float64
	for len(out) < n {
		best, most := -1, 0.0
		for i, p := range costs {
			if slices.Contains(out, i) {
				continue
			}
			if v := Hypervolume(append(slices.Clone(points), p), ref); v > most {
				best, most = i, v
			}
		}
		if best < 0 {
			break
		}
		out, points = append(out, best), append(points, costs[best])
	}
	slices.Sort(out)
	return out
}
