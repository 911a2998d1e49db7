package pareto

import (
	"math"
	"slices"
)

// Pruner thins out fronts by crowding distance. The zero value is ready for use;
// it keeps its buffers from call to call and is not safe for concurrent use.
//
// It holds the neighbours of each point in each objective, as linked lists, and a
// heap of the points by crowding distance.
type Pruner struct {
	points     [][]float64
	prev, next [][]int32 // [objective][point], -1 at the ends
	scale      []float64 // 1/range of an objective, 0 if all points are equal in it
	distance   []float64
	heap       []int32 // points, the most crowded on top
	where      []int32 // position of a point in heap, -1 once removed

	order []ordered
	links []int32
	kept  []int
}

// Prune chooses keep points of one front and returns their indices in increasing
// order, with their crowding distances. The next call overwrites both.
//
// The crowding distance of a point is the sum over the objectives of the gap
// between its two neighbours, divided by the front's range in that objective (Deb
// et al., 2002, section III-B). It is +Inf for the ends of each objective. An
// objective in which all points are equal counts nothing.
//
// Deb et al. compute the distances once and cut, which removes whole clusters and
// leaves holes. Prune removes the most crowded point, updates the distances of its
// neighbours, and repeats: the pruning of Kukkonen and Deb, "Improved pruning of
// non-dominated solutions based on crowding distance for bi-objective optimization
// problems", CEC 2006. The ranges stay those of the whole front. Of equally
// crowded points the one with the largest index goes first. N points of M
// objectives take O(M N log N).
func (c *Pruner) Prune(points [][]float64, keep int) (kept []int, distance []float64) {
	c.link(points)
	n := len(points)
	c.kept = slices.Grow(c.kept[:0], min(n, max(0, keep)))
	if n > keep {
		c.buildHeap()
		for len(c.heap) > max(0, keep) {
			c.removeMostCrowded()
		}
	}
	for i := range n {
		if n <= keep || c.where[i] >= 0 {
			c.distance[len(c.kept)] = c.distance[i] // i is never smaller than len(c.kept)
			c.kept = append(c.kept, i)
		}
	}
	return c.kept, c.distance[:len(c.kept)]
}

// link makes the lists of neighbours of all points, and their distances.
func (c *Pruner) link(points [][]float64) {
	n := len(points)
	c.points, c.distance = points, resize(c.distance, n)
	c.prev, c.next, c.scale = c.prev[:0], c.next[:0], c.scale[:0]
	if n == 0 {
		return
	}
	c.order, c.links = resize(c.order, n), resize(c.links, 2*n*len(points[0]))
	order, links := c.order, c.links
	for m := range points[0] {
		if m == 1 && falling(order, points) {
			// In the order of its first objective, a front of two is in the reverse
			// order of its second.
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

// ordered is a point with the objective that it is sorted by.
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

// falling reports whether the second objective of points is strictly falling in the
// given order.
func falling(order []ordered, points [][]float64) bool {
	for k := 1; k < len(order); k++ {
		if !(points[order[k].i][1] < points[order[k-1].i][1]) {
			return false
		}
	}
	return true
}

// measure returns the crowding distance of point i among the points that are left.
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

func (c *Pruner) buildHeap() {
	n := len(c.points)
	c.heap, c.where = resize(c.heap, n), resize(c.where, n)
	for i := range c.heap {
		c.heap[i], c.where[i] = int32(i), int32(i)
	}
	for k := n/2 - 1; k >= 0; k-- {
		c.siftDown(k)
	}
}

// removeMostCrowded takes the point on top out of the heap and out of the lists.
func (c *Pruner) removeMostCrowded() {
	i := c.heap[0]
	last := len(c.heap) - 1
	c.swap(0, last)
	c.heap = c.heap[:last]
	c.where[i] = -1
	c.siftDown(0)
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
				c.siftDown(int(c.where[j]))
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

func (c *Pruner) siftDown(k int) {
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
