package arena

import (
	"container/heap"
	"encoding/binary"
	"slices"

	"nas/blocks/tflite"
)

// maxStates bounds the search for an order. A chain of operators with shortcuts has as many states as operators; the
// states of branches multiply.
const maxStates = 50_000

// BestOrder returns m with its operators in an order whose arena is smaller, and the plan of that order; m itself, and
// its plan, if there is none, or if m has so many branches that not all orders were looked at. Among the orders that
// are possible it looks for the one with the least memory in use at the worst moment. m is not changed. Errors are
// those of [Of].
func BestOrder(m *tflite.Model) (*tflite.Model, *Plan, error) {
	plan, err := Of(m)
	if err != nil {
		return nil, nil, err
	}
	order := leastPeak(m)
	if order == nil || slices.IsSorted(order) {
		return m, plan, nil
	}
	other := *m
	other.Operators = make([]tflite.Operator, len(order))
	for i, at := range order {
		other.Operators[i] = m.Operators[at]
	}
	better, err := Of(&other)
	if err != nil || better.Bytes >= plan.Bytes {
		return m, plan, err
	}
	return &other, better, nil
}

// orders is the search for the order of the least peak: the states are the sets of operators that have run.
type orders struct {
	m       *tflite.Model
	bytes   []int   // of each tensor, 0 for a constant
	scratch []int   // of each operator
	readers [][]int // the operators that read a tensor
	maker   []int   // the operator that writes a tensor, -1 for an input
	kept    []bool  // a tensor is an output of the model
}

// state is a set of operators that have run.
type state struct {
	done   []uint64
	count  int
	peak   int // the most memory in use so far
	parent *state
	last   int // the operator that ran last
	number int // of the state, in the order in which they were found
}

func (s *state) has(op int) bool { return s.done[op/64]>>(op%64)&1 == 1 }

// states is a heap: the least peak first, then what is nearest to the end.
type states []*state

func (h states) Len() int { return len(h) }
func (h states) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.peak != b.peak:
		return a.peak < b.peak
	case a.count != b.count:
		return a.count > b.count
	}
	return a.number < b.number
}
func (h states) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push and Pop are those of heap.Interface.
func (h *states) Push(x any) { *h = append(*h, x.(*state)) }

// Pop is documented with Push.
func (h *states) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// leastPeak returns the order of operators that needs the least memory at its worst moment, nil if there are too many.
func leastPeak(m *tflite.Model) []int {
	o := newOrders(m)
	n := len(m.Operators)
	first := &state{done: make([]uint64, (n+63)/64), last: -1}
	queue, seen, number := &states{first}, map[string]bool{}, 0
	for queue.Len() > 0 {
		s := heap.Pop(queue).(*state)
		if s.count == n {
			order := make([]int, n)
			for ; s.parent != nil; s = s.parent {
				order[s.count-1] = s.last
			}
			return order
		}
		if k := key(s.done); seen[k] {
			continue
		} else if seen[k] = true; len(seen) > maxStates {
			return nil
		}
		live := o.live(s)
		for op := range n {
			if s.has(op) || !o.ready(s, op) {
				continue
			}
			number++
			next := &state{
				done: slices.Clone(s.done), count: s.count + 1, peak: max(s.peak, live+o.needs(op)),
				parent: s, last: op, number: number,
			}
			next.done[op/64] |= 1 << (op % 64)
			heap.Push(queue, next)
		}
	}
	return nil
}

func key(done []uint64) string {
	var b []byte
	for _, w := range done {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return string(b)
}

func newOrders(m *tflite.Model) *orders {
	n := len(m.Tensors)
	o := &orders{m: m, bytes: make([]int, n), readers: make([][]int, n), maker: make([]int, n), kept: make([]bool, n)}
	for i, t := range m.Tensors {
		o.maker[i] = -1
		if bytes, err := size(t); err == nil && len(t.Data) == 0 {
			o.bytes[i] = aligned(bytes)
		}
	}
	for i, op := range m.Operators {
		for _, t := range op.Inputs {
			if t >= 0 {
				o.readers[t] = append(o.readers[t], i)
			}
		}
		for _, t := range op.Outputs {
			o.maker[t] = i
		}
		sum := 0
		for _, bytes := range scratch(m, op) {
			sum += aligned(bytes)
		}
		o.scratch = append(o.scratch, sum)
	}
	for _, t := range m.Outputs {
		o.kept[t] = true
	}
	return o
}

// ready tells whether what an operator reads is there.
func (o *orders) ready(s *state, op int) bool {
	return !slices.ContainsFunc(o.m.Operators[op].Inputs, func(t int) bool {
		return t >= 0 && o.maker[t] >= 0 && !s.has(o.maker[t])
	})
}

// live returns the bytes of the tensors that are there and still needed.
func (o *orders) live(s *state) (bytes int) {
	for t, b := range o.bytes {
		switch {
		case b == 0 || o.maker[t] >= 0 && !s.has(o.maker[t]):
		case o.kept[t] || slices.ContainsFunc(o.readers[t], func(op int) bool { return !s.has(op) }):
			bytes += b
		}
	}
	return bytes
}

// needs returns the bytes that an operator takes besides what is live before it.
func (o *orders) needs(op int) int {
	bytes := o.scratch[op]
	for _, t := range o.m.Operators[op].Outputs {
		bytes += o.bytes[t]
	}
	return bytes
}
