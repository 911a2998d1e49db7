package pareto

import (
	"math"
	"slices"
)

// Thin chooses keep points of one front and returns their indices in
// increasing order with their crowding distances. It removes the most crowded
// point, updates its neighbours, and repeats: O(M N log N).
//
// Deb et al. cut at once by the distances of the whole front, which removes
// whole clusters and leaves holes; removing one by one is the pruning of
// Kukkonen and Deb, "Improved pruning of non-dominated solutions based on
// crowding distance for bi-objective optimization problems", CEC 2006. Of
// equally crowded points the one with the largest index goes first.
func Thin(points [][]float64, keep int) (kept []int, distance []float64) {
	return new(Pruner).Prune(points, keep)
}

// thin is Thin. What it returns is c's, until the next call.
func (c *Pruner) Prune(points [][]float64, keep int) (kept []int, distance []float64) {
	c.enter(points)
	n := len(points)
	c.kept = slices.Grow(c.kept[:0], min(n, max(0, keep)))
	if n > keep {
		c.init()
		for len(c.heap) > max(0, keep) {
			c.remove()
		}
	}
	for i := range n {
		if n <= keep || c.where[i] >= 0 {
			c.distance[len(c.kept)] = c.distance[i] // never further along than i
			c.kept = append(c.kept, i)
		}
	}
	return c.kept, c.distance[:len(c.kept)]
}

// Pruner is a front in which every point knows its neighbours in each objective,
// with a heap that finds the most crowded. Its room serves again.
type Pruner struct {
	points     [][]float64
	prev, next [][]int32 // [objective][point], -1 at the ends
	scale      []float64 // 1/range, 0 for a flat objective
	distance   []float64
	heap       []int32 // the smallest distance on top
	where      []int32 // position in heap, -1 once removed

	order []ordered
	links []int32
	kept  []int
}

// enter makes c the Pruner of points, none removed.
func (c *Pruner) enter(points [][]float64) {
	n := len(points)
	c.points, c.distance = points, resize(c.distance, n)
	c.prev, c.next, c.scale = c.prev[:0], c.next[:0], c.scale[:0]
	if n == 0 {
		return
	}
	c.order, c.links = resize(c.order, n), resize(c.links, 2*n*len(points[0]))
	order, links := c.order, c.links
	for m := range points[0] {
		if m == 1 && falls(order, points) {
			// Ordered by the first of two objectives, a front is in the reverse order
			// of the second.
			slices.Reverse(order)
			for k := range order {
				order[k].v = points[order[k].i][1]
			}
		} else {
			for i := range order {
				order[i] = ordered{points[i][m], int32(i)}
			}
			slices.SortFunc(order, compareOrdered)
		}
		prev, next := links[:n:n], links[n:2*n:2*n]
		links = links[2*n:]
		for k, o := range order {
			prev[o.i], next[o.i] = -1, -1
			if k > 0 {
				prev[o.i] = order[k-1].i
			}
			if k < n-1 {
				next[o.i] = order[k+1].i
			}
		}
		c.prev, c.next = append(c.prev, prev), append(c.next, next)
		span := order[n-1].v - order[0].v
		if span > 0 {
			span = 1 / span
		}
		c.scale = append(c.scale, span)
	}
	for i := range points {
		c.distance[i] = c.measure(int32(i))
	}
}

// room returns a slice of length n in s's room, or in new room. What it holds is not
// defined.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// ordered is a point by one objective.
type ordered struct {
	v float64
	i int32
}

func compareOrdered(a, b ordered) int {
	switch {
	case a.v < b.v:
		return -1
	case a.v > b.v:
		return 1
	}
	return int(a.i - b.i)
}

// falls reports whether the second objective of points is strictly falling in the
// given order.
func falls(order []ordered, points [][]float64) bool {
	for k := 1; k < len(order); k++ {
		if !(points[order[k].i][1] < points[order[k-1].i][1]) {
			return false
		}
	}
	return true
}

func (c *Pruner) measure(i int32) float64 {
	sum := 0.0
	for m, scale := range c.scale {
		if scale == 0 {
			continue
		}
		a, b := c.prev[m][i], c.next[m][i]
		if a < 0 || b < 0 {
			return math.Inf(1)
		}
		sum += (c.points[b][m] - c.points[a][m]) * scale
	}
	return sum
}

func (c *Pruner) init() {
	n := len(c.points)
	c.heap, c.where = resize(c.heap, n), resize(c.where, n)
	for i := range c.heap {
		c.heap[i], c.where[i] = int32(i), int32(i)
	}
	for k := n/2 - 1; k >= 0; k-- {
		c.down(k)
	}
}

// remove takes out the most crowded point.
func (c *Pruner) remove() {
	i := c.heap[0]
	last := len(c.heap) - 1
	c.swap(0, last)
	c.heap = c.heap[:last]
	c.where[i] = -1
	c.down(0)
	for m := range c.scale {
		a, b := c.prev[m][i], c.next[m][i]
		if a >= 0 {
			c.next[m][a] = b
		}
		if b >= 0 {
			c.prev[m][b] = a
		}
	}
	for m := range c.scale {
		for _, j := range [2]int32{c.prev[m][i], c.next[m][i]} {
			if j >= 0 && c.where[j] >= 0 {
				// Distances only grow when a neighbour leaves.
				c.distance[j] = c.measure(j)
				c.down(int(c.where[j]))
			}
		}
	}
}

func (c *Pruner) less(a, b int32) bool {
	if c.distance[a] != c.distance[b] {
		return c.distance[a] < c.distance[b]
	}
	return a > b
}

func (c *Pruner) swap(a, b int) {
	c.heap[a], c.heap[b] = c.heap[b], c.heap[a]
	c.where[c.heap[a]], c.where[c.heap[b]] = int32(a), int32(b)
}

func (c *Pruner) down(k int) {
	for {
		child := 2*k + 1
		if child >= len(c.heap) {
			return
		}
		if child+1 < len(c.heap) && c.less(c.heap[child+1], c.heap[child]) {
			child++
		}
		if !c.less(c.heap[child], c.heap[k]) {
			return
		}
		c.swap(k, child)
		k = child
	}
}
