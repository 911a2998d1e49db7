package onnx

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"nas/blocks"
	"nas/internal/fault"
)

// operator is a NodeProto.
type operator struct {
	name, kind string
	doc        string
	in, out    []string
	attrs      []blocks.ONNXAttr
}

// constant is a TensorProto: floats, ints, or single bytes of an element type.
type constant struct {
	name   string
	dims   []int
	floats []float32
	ints   []int
	bytes  []byte
	elem   int // of bytes
}

// info is a ValueInfoProto of floats; a dim of 0 is left open.
type info struct {
	name string
	dims []int
}

// write writes the model. Lengths are computed first, so that constants can be written straight
// from the weights and the model is never in memory as a whole.
func (g *graph) write(w io.Writer, name, version string, meta map[string]string) error {
	var nodes message
	for _, op := range g.operators {
		nodes = nodes.sub(graphNode, op.message())
	}
	nodes = nodes.text(graphName, name)
	heads := make([]message, len(g.tensors))
	size := len(nodes)
	for i, c := range g.tensors {
		var raw int
		heads[i], raw = c.message()
		n := len(heads[i]) + raw
		tag := protowire.AppendTag(nil, graphInitializer, protowire.BytesType)
		heads[i] = append(protowire.AppendVarint(tag, uint64(n)), heads[i]...)
		size += len(heads[i]) + raw
	}
	tail := message(nil).sub(graphInput, g.input.message())
	for _, f := range g.outputs {
		tail = tail.sub(graphOutput, f.message())
	}
	for _, f := range g.infos {
		tail = tail.sub(graphValueInfo, f.message())
	}
	size += len(tail)

	model := message(nil).int(modelIRVersion, irVersion(g.opset)).text(modelProducer, "nas")
	if version != "" {
		model = model.text(modelProducerVersion, version)
	}
	model = protowire.AppendVarint(protowire.AppendTag(model, modelGraph, protowire.BytesType), uint64(size))
	opset := message(nil).text(opsetDomain, "").int(opsetVersion, g.opset)
	end := message(nil).sub(modelOpsetImport, opset)
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		end = end.sub(modelMetadata, message(nil).text(entryKey, k).text(entryValue, meta[k]))
	}
	if total := len(model) + size + len(end); total > maxMessage {
		return fault.Errorf("onnx: %s would take %d bytes, and an ONNX file ends at 2 GiB", name, total)
	}

	b := bufio.NewWriterSize(w, 1<<16)
	b.Write(model)
	b.Write(nodes)
	for i, c := range g.tensors {
		b.Write(heads[i])
		var word [8]byte
		for _, v := range c.floats {
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
			b.Write(word[:4])
		}
		for _, v := range c.ints {
			binary.LittleEndian.PutUint64(word[:], uint64(v))
			b.Write(word[:])
		}
		b.Write(c.bytes)
	}
	b.Write(tail)
	b.Write(end)
	if err := b.Flush(); err != nil {
		return fault.Errorf("onnx: writing %s: %w", name, err)
	}
	return nil
}

func (op operator) message() (m message) {
	for _, in := range op.in {
		m = m.text(nodeInput, in)
	}
	for _, out := range op.out {
		m = m.text(nodeOutput, out)
	}
	m = m.text(nodeName, op.name).text(nodeOpType, op.kind)
	if op.doc != "" {
		m = m.text(nodeDoc, op.doc)
	}
	for _, a := range op.attrs {
		s := message(nil).text(attrName, a.Name)
		switch v := a.Value.(type) {
		case int:
			s = s.int(attrInt, v).int(attrType, attrTypeInt)
		case float64:
			s = protowire.AppendFixed32(protowire.AppendTag(s, attrFloat, protowire.Fixed32Type), math.Float32bits(float32(v)))
			s = s.int(attrType, attrTypeFloat)
		case string:
			s = s.text(attrString, v).int(attrType, attrTypeString)
		case []int:
			for _, x := range v {
				s = s.int(attrInts, x)
			}
			s = s.int(attrType, attrTypeInts)
		default:
			panic(fmt.Sprintf("onnx: attribute %s of %s has a value of type %T", a.Name, op.kind, v))
		}
		m = m.sub(nodeAttribute, s)
	}
	return m
}

// message returns the tensor up to its raw data, and the data's length.
func (c constant) message() (m message, raw int) {
	for _, d := range c.dims {
		m = m.int(tensorDims, d)
	}
	elem := elemFloat
	raw = 4 * len(c.floats)
	if c.ints != nil {
		elem, raw = elemInt64, 8*len(c.ints)
	}
	if c.bytes != nil {
		elem, raw = c.elem, len(c.bytes)
	}
	m = m.int(tensorType, elem).text(tensorName, c.name)
	return protowire.AppendVarint(protowire.AppendTag(m, tensorRaw, protowire.BytesType), uint64(raw)), raw
}

func (f info) message() message {
	var shape message
	for _, d := range f.dims {
		if d == 0 {
			shape = shape.sub(shapeDim, message(nil).text(dimParam, "batch"))
			continue
		}
		shape = shape.sub(shapeDim, message(nil).int(dimValue, d))
	}
	t := message(nil).int(tensorTypeElem, elemFloat).sub(tensorTypeShape, shape)
	return message(nil).text(infoName, f.name).sub(infoType, message(nil).sub(typeTensor, t))
}

// irVersion is the version of the file format that came with an opset: older
// programs refuse newer ones.
func irVersion(opset int) int {
	switch {
	case opset < 12:
		return 6
	case opset < 15:
		return 7
	case opset < 19:
		return 8
	case opset < 21:
		return 9
	}
	return 10
}
