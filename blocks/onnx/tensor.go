package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensor is a constant: floats, or ints of any width as int64.
type tensor struct {
	dims []int
	f    []float32
	i    []int64
	cost int // bytes that decoding took
}

// maxElems bounds a tensor.
const maxElems = min(1<<31, math.MaxInt)

// elems returns the number of elements of the shape, or -1 if it is impossible.
func elems(dims []int) int {
	n := 1
	for _, d := range dims {
		if d < 0 || d > maxElems || float64(n)*float64(d) > maxElems {
			return -1
		}
		n *= d
	}
	return n
}

// elemSize is the width of an element in raw_data.
var elemSize = map[int]int{elemFloat: 4, elemUint8: 1, elemInt8: 1, elemInt32: 4, elemInt64: 8, elemBool: 1,
	elemFloat16: 2, elemDouble: 8}

// protoTensor is a TensorProto as the file has it.
type protoTensor struct {
	dims     []int
	elem     int      // the type of the elements
	raw      []byte   // the elements, or nil
	nums     []uint64 // the elements, if raw is nil
	external bool     // the elements are in another file
}

func readTensor(data []byte) (p protoTensor, err error) {
	number := func(v uint64) { p.nums = append(p.nums, v) }
	err = fields(data, func(field protowire.Number, wire protowire.Type, num uint64, data []byte) error {
		switch field {
		case tensorDims:
			return each(wire, protowire.VarintType, num, data, func(v uint64) { p.dims = append(p.dims, clampInt(v)) })
		case tensorType:
			p.elem = clampInt(num)
		case tensorRaw:
			p.raw = data
		case tensorFloats:
			return each(wire, protowire.Fixed32Type, num, data, number)
		case tensorDoubles:
			return each(wire, protowire.Fixed64Type, num, data, number)
		case tensorInt32s, tensorInt64s:
			return each(wire, protowire.VarintType, num, data, number)
		case tensorExternal:
			p.external = true
		case tensorLocation:
			p.external = p.external || num == 1
		}
		return nil
	})
	return p, err
}

// bits returns the bits of element i, which has size bytes in raw.
func (p *protoTensor) bits(i, size int) uint64 {
	if p.raw == nil {
		return p.nums[i]
	}
	switch size {
	case 1:
		return uint64(p.raw[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(p.raw[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(p.raw[4*i:]))
	}
	return binary.LittleEndian.Uint64(p.raw[8*i:])
}

// parseTensor decodes a TensorProto. Floating point of any width becomes float32, integers of any width become int64.
func parseTensor(data []byte) (*tensor, error) {
	p, err := readTensor(data)
	if err != nil {
		return nil, err
	}
	if p.external {
		return nil, errors.New("keeps its data in another file: save the model with its weights inside")
	}
	size, ok := elemSize[p.elem]
	if !ok {
		return nil, fmt.Errorf("has elements of type %d, want floating point or integers", p.elem)
	}
	n := elems(p.dims)
	if n < 0 || (p.raw == nil && len(p.nums) != n) || (p.raw != nil && len(p.raw) != n*size) {
		return nil, fmt.Errorf("has dims %v, but %d bytes or %d values", short(p.dims), len(p.raw), len(p.nums))
	}
	t := &tensor{dims: p.dims, cost: 8*n + 40*len(p.nums)}
	switch p.elem {
	case elemFloat, elemFloat16, elemDouble:
		t.cost = 4*n + 24*len(p.nums)
		t.f = make([]float32, n)
		for i := range t.f {
			switch v := p.bits(i, size); p.elem {
			case elemFloat:
				t.f[i] = math.Float32frombits(uint32(v))
			case elemDouble:
				t.f[i] = float32(math.Float64frombits(v))
			default:
				t.f[i] = half(uint16(v))
			}
		}
	default:
		t.i = make([]int64, n)
		for i := range t.i {
			switch v := p.bits(i, size); p.elem {
			case elemInt8:
				t.i[i] = int64(int8(v))
			case elemInt32:
				t.i[i] = int64(int32(v))
			default:
				t.i[i] = int64(v)
			}
		}
	}
	return t, nil
}

// half converts IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exp, frac := float64(1), int(h>>10)&31, float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch {
	case exp == 31 && frac != 0:
		return float32(math.NaN())
	case exp == 31:
		return float32(math.Inf(int(sign)))
	case exp == 0:
		return float32(sign * math.Ldexp(frac, -24))
	}
	return float32(sign * math.Ldexp(1024+frac, exp-25))
}

// short cuts lists for errors.
func short(v []int) []int { return v[:min(len(v), 8)] }
