package arena

import (
	"cmp"
	"math"
	"slices"

	"nas/blocks/tflite"
	"nas/internal/fault"
)

// alignment is what TensorFlow Lite Micro rounds the size of each buffer up to, in bytes.
const alignment = 16

// A Buffer is an activation or a scratch buffer in the arena.
type Buffer struct {
	Name  string
	Bytes int // rounded up to a multiple of 16
	// First and Last are the first and the last operator, from 1, during which the buffer holds something; 0 is the
	// moment before the first operator, when the input is there. Both are -1 for a tensor that no operator has.
	First, Last int
	Offset      int // from the start of the arena
}

// A Plan gives each buffer of a file its place.
type Plan struct {
	// Operators are the names of the operators in the order in which they run.
	Operators []string
	Buffers   []Buffer
	// Bytes is the end of the last buffer: the size of the part of the arena that is planned.
	Bytes int
	// Persistent estimates the size of the rest of the arena on a processor of 32 bits.
	Persistent int
}

// bytesOf is the size of a value of each type.
var bytesOf = map[tflite.Type]int{
	tflite.Float32: 4, tflite.Float16: 2, tflite.Int32: 4, tflite.UInt8: 1, tflite.Int64: 8, tflite.Int8: 1,
}

// maxBytes bounds a tensor: sizes are 32-bit integers in TensorFlow Lite Micro.
const maxBytes = math.MaxInt32 / 2

// Of plans the arena of a model. A tensor whose size TensorFlow Lite Micro cannot hold is an error that names it.
func Of(m *tflite.Model) (*Plan, error) {
	p := new(Plan)
	for _, op := range m.Operators {
		p.Operators = append(p.Operators, op.Name)
	}
	first, last := lifetimes(m)
	for i, t := range m.Tensors {
		if len(t.Data) > 0 {
			continue
		}
		bytes, err := size(t)
		if err != nil {
			return nil, err
		}
		if bytes > 0 {
			p.Buffers = append(p.Buffers, Buffer{t.Name, aligned(bytes), first[i], last[i], 0})
		}
	}
	for i, op := range m.Operators {
		for _, bytes := range scratch(m, op) {
			p.Buffers = append(p.Buffers, Buffer{op.Name + " scratch", aligned(bytes), i + 1, i + 1, 0})
		}
	}
	p.place()
	p.Persistent = persistent(m, pointer32)
	return p, nil
}

// lifetimes returns the first and the last operator of each tensor, as Buffer has them.
func lifetimes(m *tflite.Model) (first, last []int) {
	first, last = make([]int, len(m.Tensors)), make([]int, len(m.Tensors))
	for i := range first {
		first[i], last[i] = -1, -1
	}
	use := func(tensors []int, at int) {
		for _, t := range tensors {
			if t < 0 {
				continue
			}
			if first[t] < 0 {
				first[t] = at
			}
			last[t] = at
		}
	}
	use(m.Inputs, 0)
	for i, op := range m.Operators {
		use(op.Outputs, i+1)
		use(op.Inputs, i+1)
	}
	use(m.Outputs, len(m.Operators))
	return first, last
}

// size returns the bytes of a tensor.
func size(t tflite.Tensor) (int, error) {
	n, ok := bytesOf[t.Type]
	if !ok {
		return 0, fault.Errorf("arena: tensor %q: type %d has no size here", t.Name, t.Type)
	}
	for _, d := range t.Dims {
		if d < 0 || d > 0 && n > maxBytes/d {
			return 0, fault.Errorf("arena: tensor %q: dims %v are no size of an arena", t.Name, t.Dims)
		}
		n *= d
	}
	return n, nil
}

func aligned(bytes int) int { return (bytes + alignment - 1) / alignment * alignment }

// place gives each buffer the lowest gap that is large enough, the largest buffer first. Buffers of one size go in the
// reverse order of their index, because TensorFlow Lite Micro fills its list from the end before it sorts it.
func (p *Plan) place() {
	order := make([]int, len(p.Buffers))
	for i := range order {
		order[i] = len(order) - 1 - i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Buffers[b].Bytes, p.Buffers[a].Bytes) })
	var placed []*Buffer // by offset; of one offset, in the order in which they were placed
	for _, i := range order {
		b := &p.Buffers[i]
		b.Offset = 0
		for _, other := range placed {
			if other.First > b.Last || b.First > other.Last {
				continue
			}
			if other.Offset-b.Offset >= b.Bytes {
				break
			}
			b.Offset = max(b.Offset, other.Offset+other.Bytes)
		}
		at := slices.IndexFunc(placed, func(o *Buffer) bool { return o.Offset > b.Offset })
		if at < 0 {
			at = len(placed)
		}
		placed = slices.Insert(placed, at, b)
		p.Bytes = max(p.Bytes, b.Offset+b.Bytes)
	}
}

// Live returns the bytes of the buffers that hold something during each operator; entry 0 is the moment before the
// first one. No arena is smaller than the largest of them.
func (p *Plan) Live() []int {
	live := make([]int, len(p.Operators)+1)
	for _, b := range p.Buffers {
		for t := max(0, b.First); t <= b.Last; t++ {
			live[t] += b.Bytes
		}
	}
	return live
}
