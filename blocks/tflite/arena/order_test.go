package arena

import (
	"slices"
	"testing"

	"nas/blocks/tflite"
)

// branches reads one input twice: two large maps that shrink to small ones, which are joined. Written one after the
// other, each large map can go before the next one comes; written in parallel, both are there.
func branches(order []int) *tflite.Model {
	dims := func(n int) []int { return []int{1, 1, 1, n} }
	m := &tflite.Model{Inputs: []int{0}, Outputs: []int{5}}
	for i, n := range []int{64, 1024, 1024, 32, 32, 64} {
		m.Tensors = append(m.Tensors, tflite.Tensor{Name: string(rune('a' + i)), Dims: dims(n), Type: tflite.Int8})
	}
	all := []tflite.Operator{
		{Name: "RELU", Inputs: []int{0}, Outputs: []int{1}}, {Name: "RELU", Inputs: []int{0}, Outputs: []int{2}},
		{Name: "RELU", Inputs: []int{1}, Outputs: []int{3}}, {Name: "RELU", Inputs: []int{2}, Outputs: []int{4}},
		{Name: "CONCATENATION", Inputs: []int{3, 4}, Outputs: []int{5}},
	}
	for _, i := range order {
		m.Operators = append(m.Operators, all[i])
	}
	return m
}

func TestBestOrder(t *testing.T) {
	parallel := branches([]int{0, 1, 2, 3, 4})
	m, p, err := BestOrder(parallel)
	if err != nil {
		t.Fatal(err)
	}
	// At the worst moment: the input, one large map, and the small one of the other branch or the one being made.
	if p.Bytes != 64+1024+32+32 && p.Bytes != 64+1024+32 {
		t.Errorf("%d bytes: %+v", p.Bytes, p.Buffers)
	}
	plain, err := Of(parallel)
	if err != nil || plain.Bytes <= p.Bytes {
		t.Errorf("%d bytes as written, %v", plain.Bytes, err)
	}
	made := map[int]bool{0: true}
	for _, op := range m.Operators {
		for _, in := range op.Inputs {
			if !made[in] {
				t.Errorf("%v reads %d before it is there", op, in)
			}
		}
		made[op.Outputs[0]] = true
	}
	if len(m.Operators) != 5 || len(parallel.Operators) != 5 || parallel.Operators[1].Outputs[0] != 2 {
		t.Errorf("%d operators, and the model that was given is %+v", len(m.Operators), parallel.Operators)
	}
	good := branches([]int{0, 2, 1, 3, 4})
	if same, _, err := BestOrder(good); err != nil || same != good {
		t.Errorf("an order that cannot be better was changed: %v, %v", same.Operators, err)
	}
}

// TestLeastPeak compares the search with all orders of small graphs.
func TestLeastPeak(t *testing.T) {
	m := branches([]int{0, 1, 2, 3, 4})
	least, of := 1<<30, 0
	orderings(len(m.Operators), nil, func(order []int) {
		o := branches(order)
		p, err := Of(o)
		if err != nil || !valid(o) {
			return
		}
		of++
		least = min(least, slices.Max(p.Live()[1:]))
	})
	p, err := Of(branches(leastPeak(m)))
	if err != nil || slices.Max(p.Live()[1:]) != least || of != 6 {
		t.Errorf("%v live, the least of %d orders is %d: %v", p.Live(), of, least, err)
	}
}

func orderings(n int, head []int, f func([]int)) {
	if len(head) == n {
		f(head)
	}
	for i := range n {
		if !slices.Contains(head, i) {
			orderings(n, append(slices.Clone(head), i), f)
		}
	}
}

// valid tells whether operators read what is there.
func valid(m *tflite.Model) bool {
	made := map[int]bool{0: true}
	for _, op := range m.Operators {
		for _, in := range op.Inputs {
			if !made[in] {
				return false
			}
		}
		made[op.Outputs[0]] = true
	}
	return true
}
