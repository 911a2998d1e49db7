package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

func (t *tensor) len() int { return max(len(t.f), len(t.i)) }

func (t *tensor) isFloat() bool { return t.f != nil }

// at returns element i as a number.
func (t *tensor) at(i int) float64 {
	if t.f != nil {
		return float64(t.f[i])
	}
	return float64(t.i[i])
}

// set copies element j of u, which is of the same kind, to element i.
func (t *tensor) set(i int, u *tensor, j int) {
	if t.f != nil {
		t.f[i] = u.f[j]
	} else {
		t.i[i] = u.i[j]
	}
}

// narrow wraps a number into an integer type.
func narrow(v int64, elem int) int64 {
	switch elem {
	case elemInt8:
		return int64(int8(v))
	case elemUint8:
		return int64(uint8(v))
	case elemInt16:
		return int64(int16(v))
	case elemUint16:
		return int64(uint16(v))
	case elemInt32:
		return int64(int32(v))
	case elemUint32:
		return int64(uint32(v))
	}
	return v
}

// toInt rounds towards zero, within what shapes can use.
func toInt(v float64) int64 {
	if !(math.Abs(v) < 1<<53) {
		return 0
	}
	return int64(v)
}

// clampInt keeps dimensions where sums and products of a few stay in an int;
// what is cut off here is refused by the shape rules.
func clampInt(v uint64) int {
	const most = min(1<<40, math.MaxInt)
	return int(max(-most, min(int64(v), most)))
}

// tensor is a constant: floats of any width as float32, integers and bools of any
// width as int64. One of f and i is not nil.
type tensor struct {
	dims []int
	f    []float32
	i    []int64
	elem int    // the type in the file
	name string // of an initializer, else ""
	cost int    // bytes that decoding took
}

// floating tells whether an element type is one of floating point.
func floating(elem int) bool {
	switch elem {
	case elemFloat, elemFloat16, elemDouble, elemBfloat16:
		return true
	}
	return false
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
var elemSize = map[int]int{
	elemFloat: 4, elemUint8: 1, elemInt8: 1, elemUint16: 2, elemInt16: 2, elemInt32: 4, elemInt64: 8, elemBool: 1,
	elemFloat16: 2, elemDouble: 8, elemUint32: 4, elemUint64: 8, elemBfloat16: 2,
}

// tensorProto is a TensorProto whose numbers are not decoded yet.
type tensorProto struct {
	dims           []int
	elem           int
	raw            []byte
	lies           *io.SectionReader // raw in another file
	nums           []uint64          // where there is no raw data
	external       bool
	location       string
	offset, length int
}

// outsideFunc returns a part of a file beside the model.
type outsideFunc func(location string, offset, length int) (*io.SectionReader, error)

// parseTensor decodes a TensorProto. All kinds of floating point become float32,
// all kinds of integers int64. Data in another file come from outside.
func parseTensor(data []byte, outside outsideFunc) (*tensor, error) {
	p, err := parseTensorProto(data, true)
	if err != nil {
		return nil, err
	}
	n, err := p.locate(outside)
	if err != nil {
		return nil, err
	}
	if p.lies == nil {
		return p.decode(n, elemSize[p.elem]), nil
	}
	p.raw = make([]byte, p.lies.Size())
	if _, err := io.ReadFull(p.lies, p.raw); err != nil {
		return nil, fmt.Errorf("could not be read from file %q: %w", p.location, err)
	}
	t := p.decode(n, elemSize[p.elem])
	t.cost += len(p.raw)
	return t, nil
}

// locate finds the data, and returns the number of elements.
func (p *tensorProto) locate(outside outsideFunc) (n int, err error) {
	size, ok := elemSize[p.elem]
	if !ok {
		return 0, fmt.Errorf("has elements of type %d, want floating point or integers", p.elem)
	}
	n = elems(p.dims)
	if p.external && n >= 0 {
		if p.length < 0 {
			p.length = n * size
		}
		if p.lies, err = outside(p.location, p.offset, p.length); err != nil {
			return 0, err
		}
		if p.length != n*size {
			return 0, fmt.Errorf("has dims %v, but %d bytes", short(p.dims), p.length)
		}
		return n, nil
	}
	if n < 0 || (p.raw == nil && len(p.nums) != n) || (p.raw != nil && len(p.raw) != n*size) {
		return 0, fmt.Errorf("has dims %v, but %d bytes or %d values", short(p.dims), len(p.raw), len(p.nums))
	}
	return n, nil
}

// parseTensorProto parses a tensor, with the numbers that are not in raw_data or without.
func parseTensorProto(data []byte, numbers bool) (*tensorProto, error) {
	p := &tensorProto{length: -1}
	add := func(v uint64) {
		if numbers {
			p.nums = append(p.nums, v)
		}
	}
	err := fields(data, func(field protowire.Number, wire protowire.Type, num uint64, data []byte) error {
		switch field {
		case tensorDims:
			return each(wire, protowire.VarintType, num, data, func(v uint64) { p.dims = append(p.dims, clampInt(v)) })
		case tensorType:
			p.elem = clampInt(num)
		case tensorRaw:
			p.raw = data
		case tensorFloats:
			return each(wire, protowire.Fixed32Type, num, data, add)
		case tensorDoubles:
			return each(wire, protowire.Fixed64Type, num, data, add)
		case tensorInt32s, tensorInt64s:
			return each(wire, protowire.VarintType, num, data, add)
		case tensorExternal:
			p.external = true
			return entry(data, p.externalData)
		case tensorLocation:
			p.external = p.external || num == 1
		}
		return nil
	})
	return p, err
}

// externalData reads one entry of where the data lie.
func (p *tensorProto) externalData(k, v string) (err error) {
	switch k {
	case "location":
		p.location = v
	case "offset":
		p.offset, err = strconv.Atoi(v)
	case "length":
		p.length, err = strconv.Atoi(v)
	}
	if err != nil {
		return fmt.Errorf("keeps its data in a file, with the %s %.40q: want a number of bytes: export the model again", k, v)
	}
	return nil
}

// bits returns element i as the file has it.
func (p *tensorProto) bits(i, size int) uint64 {
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

// decode converts n elements of size bytes.
func (p *tensorProto) decode(n, size int) *tensor {
	t := &tensor{dims: p.dims, elem: p.elem}
	if !floating(p.elem) {
		t.cost = 8*n + 40*len(p.nums)
		t.i = make([]int64, n)
		for i := range t.i {
			t.i[i] = narrow(int64(p.bits(i, size)), p.elem)
		}
		return t
	}
	t.cost = 4*n + 24*len(p.nums)
	t.f = make([]float32, n)
	for i := range t.f {
		switch v := p.bits(i, size); p.elem {
		case elemFloat:
			t.f[i] = math.Float32frombits(uint32(v))
		case elemDouble:
			t.f[i] = float32(math.Float64frombits(v))
		case elemBfloat16:
			t.f[i] = math.Float32frombits(uint32(v) << 16)
		default:
			t.f[i] = half(uint16(v))
		}
	}
	return t
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

// toHalf rounds to IEEE 754 binary16, halves to even.
func toHalf(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	x := math.Abs(float64(f))
	switch {
	case math.IsNaN(x):
		return sign | 0x7e00
	case x >= 65520:
		return sign | 0x7c00
	case x < math.Ldexp(1, -14):
		return sign | uint16(math.RoundToEven(math.Ldexp(x, 24)))
	}
	frac, exp := math.Frexp(x) // x = frac * 2^exp, frac in [0.5, 1)
	m := math.RoundToEven(math.Ldexp(frac, 11))
	return sign + uint16((exp+13)<<10) + uint16(m) - 1024
}

// short cuts lists for errors.
func short[T any](v []T) []T { return v[:min(len(v), 8)] }
