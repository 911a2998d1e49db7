package onnx

import (
	"errors"
	"math"

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
	return m, m.graph(graph)
}

// graph parses a GraphProto.
func (m *modelProto) graph(graph []byte) error {
	return fields(graph, func(field protowire.Number, _ protowire.Type, _ uint64, data []byte) error {
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

// nodeProto is a NodeProto.
type nodeProto struct {
	name, op, domain string
	index            int // among the file's nodes
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
	g      []byte // a graph
	other  bool   // of a kind that no operator here has: a list of graphs, texts or tensors
	kinds  attrKinds
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
				a.kinds |= kindOf[field]
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
				case attrGraph:
					a.g = data
				case attrGraphs, attrStrings, attrTensors:
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
