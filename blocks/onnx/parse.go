package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The parser keeps slices of the file: names and weights are not copied until
// they are needed.

var errWire = errors.New("the file is no ONNX model, or it was cut off: export it again")

// fields calls f for each field of a message. num holds a varint or fixed
// value, data that of a length-delimited field.
func fields(b []byte, f func(field protowire.Number, wire protowire.Type, num uint64, data []byte) error) error {
	for len(b) > 0 {
		field, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		var num uint64
		var data []byte
		switch wire {
		case protowire.VarintType:
			num, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			num = uint64(v)
		case protowire.Fixed64Type:
			num, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			data, n = protowire.ConsumeBytes(b)
		default:
			n = -1 // groups, which ONNX has none of
		}
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if err := f(field, wire, num, data); err != nil {
			return err
		}
	}
	return nil
}

// each calls f for every element of a repeated number, packed or not.
func each(wire protowire.Type, elem protowire.Type, num uint64, data []byte, f func(v uint64)) error {
	if wire != protowire.BytesType {
		f(num)
		return nil
	}
	for len(data) > 0 {
		var v uint64
		var n int
		switch elem {
		case protowire.Fixed32Type:
			var w uint32
			w, n = protowire.ConsumeFixed32(data)
			v = uint64(w)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(data)
		default:
			v, n = protowire.ConsumeVarint(data)
		}
		if n < 0 {
			return errWire
		}
		data = data[n:]
		f(v)
	}
	return nil
}

// modelProto is what is used of a ModelProto and its GraphProto.
type modelProto struct {
	producer     string
	opset        int
	metadata     map[string]string
	nodes        [][]byte
	initializers map[string][]byte
	inputs       []infoProto
	outputs      []infoProto
	name         string
}

type infoProto struct {
	name string
	elem int
	dims []int // -1 where the file has a name or nothing
}

func parseModel(data []byte) (*modelProto, error) {
	m := &modelProto{metadata: map[string]string{}, initializers: map[string][]byte{}}
	var graph []byte
	err := fields(data, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
		switch field {
		case modelProducer:
			m.producer = string(data)
		case modelGraph:
			graph = data
		case modelOpsetImport:
			domain, version := "", 0
			err := fields(data, func(field protowire.Number, _ protowire.Type, num uint64, data []byte) error {
				switch field {
				case opsetDomain:
					domain = string(data)
				case opsetVersion:
					version = int(num)
				}
				return nil
			})
			if domain == "" || domain == "ai.onnx" {
				m.opset = version
			}
			return err
		case modelMetadata:
			return entry(data, func(k, v string) error {
				m.metadata[k] = v
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if graph == nil {
		return nil, errors.New("the file holds no ONNX graph: export the model again")
	}
	return m, fields(graph, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
		switch field {
		case graphNode:
			m.nodes = append(m.nodes, data)
		case graphName:
			m.name = string(data)
		case graphInitializer:
			name := ""
			err := fields(data, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
				if field == tensorName {
					name = string(data)
				}
				return nil
			})
			m.initializers[name] = data
			return err
		case graphInput, graphOutput:
			v, err := parseInfo(data)
			if field == graphInput {
				m.inputs = append(m.inputs, v)
			} else {
				m.outputs = append(m.outputs, v)
			}
			return err
		}
		return nil
	})
}

// entry reads a StringStringEntryProto.
func entry(data []byte, f func(k, v string) error) error {
	var k, v string
	err := fields(data, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
		switch field {
		case entryKey:
			k = string(data)
		case entryValue:
			v = string(data)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f(k, v)
}

func parseInfo(data []byte) (v infoProto, err error) {
	dim := func(_ protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
		size := -1
		err := fields(data, func(field protowire.Number, _ protowire.Type, num uint64, _ []byte) error {
			if field == dimValue {
				size = clampInt(num)
			}
			return nil
		})
		v.dims = append(v.dims, size)
		return err
	}
	tensor := func(field protowire.Number, _ protowire.Type, num uint64, data []byte) error {
		switch field {
		case tensorTypeElem:
			v.elem = clampInt(num)
		case tensorTypeShape:
			return fields(data, func(f protowire.Number, w protowire.Type, n uint64, data []byte) error {
				if f != shapeDim {
					return nil
				}
				return dim(f, w, n, data)
			})
		}
		return nil
	}
	err = fields(data, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
		switch field {
		case infoName:
			v.name = string(data)
		case infoType:
			return fields(data, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
				if field == typeTensor {
					return fields(data, tensor)
				}
				return nil
			})
		}
		return nil
	})
	return v, err
}

// clampInt keeps dimensions where sums and products of a few stay in an int;
// what is cut off here is refused by the shape rules.
func clampInt(v uint64) int {
	i := int64(v)
	return int(max(-1<<40, min(i, 1<<40)))
}

// nodeProto is a NodeProto.
type nodeProto struct {
	name, op, domain string
	doc              string
	in, out          []string
	attrs            map[string]attrProto
}

type attrProto struct {
	f      float64
	i      int
	s      string
	ints   []int
	floats []float32
	t      []byte // a tensor
	other  bool   // of a kind that no operator here has: a graph, a list of texts or tensors
}

func parseNode(data []byte) (*nodeProto, error) {
	n := &nodeProto{}
	err := fields(data, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
		switch field {
		case nodeInput:
			n.in = append(n.in, string(data))
		case nodeOutput:
			n.out = append(n.out, string(data))
		case nodeName:
			n.name = string(data)
		case nodeOpType:
			n.op = string(data)
		case nodeDoc:
			n.doc = string(data)
		case nodeDomain:
			n.domain = string(data)
		case nodeAttribute:
			if n.attrs == nil {
				n.attrs = map[string]attrProto{}
			}
			var a attrProto
			name := ""
			err := fields(data, func(field protowire.Number, wire protowire.Type, num uint64, data []byte) error {
				switch field {
				case attrName:
					name = string(data)
				case attrFloat:
					a.f = float64(math.Float32frombits(uint32(num)))
				case attrInt:
					a.i = clampInt(num)
				case attrString:
					a.s = string(data)
				case attrTensor:
					a.t = data
				case attrInts:
					return each(wire, protowire.VarintType, num, data, func(v uint64) { a.ints = append(a.ints, clampInt(v)) })
				case attrFloats:
					return each(wire, protowire.Fixed32Type, num, data, func(v uint64) {
						a.floats = append(a.floats, math.Float32frombits(uint32(v)))
					})
				case attrGraph, attrGraphs, attrStrings, attrTensors:
					a.other = true
				}
				return nil
			})
			n.attrs[name] = a
			return err
		}
		return nil
	})
	return n, err
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

// parseTensor decodes a TensorProto. All kinds of floating point become
// float32, all kinds of integers int64.
func parseTensor(data []byte, outside func(location string, offset, length int) ([]byte, error)) (*tensor, error) {
	t := &tensor{}
	elem, external := 0, false
	location, offset, length := "", 0, -1
	var raw []byte
	var nums []uint64
	err := fields(data, func(field protowire.Number, wire protowire.Type, num uint64, data []byte) error {
		switch field {
		case tensorDims:
			return each(wire, protowire.VarintType, num, data, func(v uint64) { t.dims = append(t.dims, clampInt(v)) })
		case tensorType:
			elem = clampInt(num)
		case tensorRaw:
			raw = data
		case tensorFloats:
			return each(wire, protowire.Fixed32Type, num, data, func(v uint64) { nums = append(nums, v) })
		case tensorDoubles:
			return each(wire, protowire.Fixed64Type, num, data, func(v uint64) { nums = append(nums, v) })
		case tensorInt32s, tensorInt64s:
			return each(wire, protowire.VarintType, num, data, func(v uint64) { nums = append(nums, v) })
		case tensorExternal:
			external = true
			return entry(data, func(k, v string) error {
				var err error
				switch k {
				case "location":
					location = v
				case "offset":
					offset, err = strconv.Atoi(v)
				case "length":
					length, err = strconv.Atoi(v)
				}
				return err
			})
		case tensorLocation:
			external = external || num == 1
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	size, ok := elemSize[elem]
	if !ok {
		return nil, fmt.Errorf("has elements of type %d, want floating point or integers", elem)
	}
	n := elems(t.dims)
	if external && n >= 0 {
		if length < 0 {
			length = n * size
		}
		if raw, err = outside(location, offset, length); err != nil {
			return nil, err
		}
	}
	if n < 0 || (raw == nil && len(nums) != n) || (raw != nil && len(raw) != n*size) {
		return nil, fmt.Errorf("has dims %v, but %d bytes or %d values", short(t.dims), len(raw), len(nums))
	}
	at := func(i int) uint64 {
		if raw == nil {
			return nums[i]
		}
		switch size {
		case 1:
			return uint64(raw[i])
		case 2:
			return uint64(binary.LittleEndian.Uint16(raw[2*i:]))
		case 4:
			return uint64(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		return binary.LittleEndian.Uint64(raw[8*i:])
	}
	t.elem = elem
	if !floating(elem) {
		t.cost = 8*n + 40*len(nums)
		t.i = make([]int64, n)
		for i := range t.i {
			t.i[i] = narrow(int64(at(i)), elem)
		}
		return t, nil
	}
	t.cost = 4*n + 24*len(nums)
	t.f = make([]float32, n)
	for i := range t.f {
		switch v := at(i); elem {
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
