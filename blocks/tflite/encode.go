package tflite

import (
	"math"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"

	"nas/internal/fault"
)

// maxBytes is the size of the largest file: offsets of a flatbuffer are below 2 GiB.
const maxBytes = 1 << 31

// Encode returns the bytes of a .tflite file. The same model gives the same bytes. An operator
// that is not in the table, and a model of 2 GiB or more, are errors.
func Encode(m *Model) ([]byte, error) {
	size := 0
	for _, t := range m.Tensors {
		size += len(t.Data)
	}
	if int64(size) > maxBytes-maxBytes/16 {
		return nil, fault.Errorf("tflite: %d bytes of weights: the format ends at 2 GiB", size)
	}
	e := &encoder{b: flatbuffers.NewBuilder(size + size/8 + 1<<16)}
	for i, op := range m.Operators {
		if byName[op.Name] == nil {
			return nil, fault.Errorf("tflite: operator %d is of the unknown kind %q", i, op.Name)
		}
	}
	e.model(m)
	return e.b.FinishedBytes(), nil
}

// encoder writes tables from the leaves to the root, as flatbuffers want it.
type encoder struct{ b *flatbuffers.Builder }

func (e *encoder) model(m *Model) {
	b := e.b
	// Buffer 0 is empty: tensors without data refer to it.
	buffers := []flatbuffers.UOffsetT{e.buffer(nil)}
	tensors := make([]flatbuffers.UOffsetT, len(m.Tensors))
	for i, t := range m.Tensors {
		at := 0
		if t.Data != nil {
			at = len(buffers)
			buffers = append(buffers, e.buffer(t.Data))
		}
		tensors[i] = e.tensor(t, at)
	}
	var metadata []flatbuffers.UOffsetT
	for _, d := range m.Metadata {
		data, name := e.buffer(d.Data), b.CreateString(d.Name)
		b.StartObject(metadataFields)
		b.PrependUOffsetTSlot(metadataName, name, 0)
		b.PrependUint32Slot(metadataBuffer, uint32(len(buffers)), 0)
		metadata = append(metadata, b.EndObject())
		buffers = append(buffers, data)
	}
	codes, codeOf := e.codes(m)
	operators := make([]flatbuffers.UOffsetT, len(m.Operators))
	for i, op := range m.Operators {
		operators[i] = e.operator(op, codeOf[i])
	}
	graph := e.graph(m, tensors, operators)

	version := uint32(schemaVersion)
	subgraphs := b.CreateVectorOfTables([]flatbuffers.UOffsetT{graph})
	bufferList, codeList := b.CreateVectorOfTables(buffers), b.CreateVectorOfTables(codes)
	metaList, description := b.CreateVectorOfTables(metadata), b.CreateString(m.Description)
	b.StartObject(modelFields)
	b.PrependUint32Slot(modelVersion, version, 0)
	b.PrependUOffsetTSlot(modelCodes, codeList, 0)
	b.PrependUOffsetTSlot(modelSubgraphs, subgraphs, 0)
	b.PrependUOffsetTSlot(modelDescription, description, 0)
	b.PrependUOffsetTSlot(modelBuffers, bufferList, 0)
	b.PrependUOffsetTSlot(modelMetadata, metaList, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(identifier))
}

// buffer writes data that begins at a multiple of 16 bytes.
func (e *encoder) buffer(data []byte) flatbuffers.UOffsetT {
	b := e.b
	var v flatbuffers.UOffsetT
	if data != nil {
		b.StartVector(1, len(data), 16)
		// CreateByteVector would align to 1 byte; the values are written from the last to the first.
		for i := len(data) - 1; i >= 0; i-- {
			b.PlaceByte(data[i])
		}
		v = b.EndVector(len(data))
	}
	b.StartObject(bufferFields)
	b.PrependUOffsetTSlot(bufferData, v, 0)
	return b.EndObject()
}

func (e *encoder) tensor(t Tensor, buffer int) flatbuffers.UOffsetT {
	b := e.b
	name, dims := b.CreateString(t.Name), e.ints(t.Dims)
	var quantization flatbuffers.UOffsetT
	if len(t.Scale) > 0 {
		b.StartVector(4, len(t.Scale), 4)
		for _, v := range slices.Backward(t.Scale) {
			b.PlaceFloat32(v)
		}
		scale := b.EndVector(len(t.Scale))
		b.StartVector(8, len(t.Zero), 8)
		for _, v := range slices.Backward(t.Zero) {
			b.PlaceInt64(v)
		}
		zero := b.EndVector(len(t.Zero))
		b.StartObject(quantFields)
		b.PrependUOffsetTSlot(quantScale, scale, 0)
		b.PrependUOffsetTSlot(quantZero, zero, 0)
		b.PrependInt32Slot(quantAxis, int32(t.Axis), 0)
		quantization = b.EndObject()
	}
	b.StartObject(tensorFields)
	b.PrependUOffsetTSlot(tensorShape, dims, 0)
	b.PrependByteSlot(tensorType, byte(t.Type), 0)
	b.PrependUint32Slot(tensorBuffer, uint32(buffer), 0)
	b.PrependUOffsetTSlot(tensorName, name, 0)
	b.PrependUOffsetTSlot(tensorQuantization, quantization, 0)
	return b.EndObject()
}

// codes writes the operators that the model has, each with its version, and tells which
// of them each operator of the model is.
func (e *encoder) codes(m *Model) (codes []flatbuffers.UOffsetT, of []uint32) {
	type code struct{ code, version int32 }
	var seen []code
	for _, op := range m.Operators {
		row := byName[op.Name]
		c := code{row.code, row.version}
		if m.quantized(op) {
			c.version = row.quantized
		}
		at := slices.Index(seen, c)
		if at < 0 {
			at = len(seen)
			seen = append(seen, c)
			e.b.StartObject(codeFields)
			e.b.PrependByteSlot(codeDeprecated, byte(min(c.code, 127)), 0)
			e.b.PrependInt32Slot(codeVersion, c.version, 1)
			e.b.PrependInt32Slot(codeBuiltin, c.code, 0)
			codes = append(codes, e.b.EndObject())
		}
		of = append(of, uint32(at))
	}
	return codes, of
}

// quantized tells whether an operator reads or writes integers of 8 bits.
func (m *Model) quantized(op Operator) bool {
	is := func(i int) bool { return i >= 0 && (m.Tensors[i].Type == Int8 || m.Tensors[i].Type == UInt8) }
	return slices.ContainsFunc(op.Inputs, is) || slices.ContainsFunc(op.Outputs, is)
}

func (e *encoder) operator(op Operator, code uint32) flatbuffers.UOffsetT {
	b, row := e.b, byName[op.Name]
	in, out := e.ints(op.Inputs), e.ints(op.Outputs)
	var options flatbuffers.UOffsetT
	if row.union != 0 {
		b.StartObject(len(row.options))
		for slot, o := range row.options {
			v, ok := op.Options[o.name]
			if !ok {
				v = o.missing
			}
			switch o.kind {
			case kindByte:
				b.PrependByteSlot(slot, byte(v), byte(o.missing))
			case kindBool:
				b.PrependBoolSlot(slot, v != 0, o.missing != 0)
			case kindInt:
				b.PrependInt32Slot(slot, int32(v), int32(o.missing))
			case kindFloat:
				b.PrependFloat32Slot(slot, float32(v), float32(o.missing))
			}
		}
		options = b.EndObject()
	}
	b.StartObject(operatorFields)
	b.PrependUint32Slot(operatorCode, code, 0)
	b.PrependUOffsetTSlot(operatorInputs, in, 0)
	b.PrependUOffsetTSlot(operatorOutputs, out, 0)
	b.PrependByteSlot(operatorUnion, row.union, 0)
	b.PrependUOffsetTSlot(operatorOptions, options, 0)
	return b.EndObject()
}

func (e *encoder) graph(m *Model, tensors, operators []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b := e.b
	tensorList, operatorList := b.CreateVectorOfTables(tensors), b.CreateVectorOfTables(operators)
	in, out, name := e.ints(m.Inputs), e.ints(m.Outputs), b.CreateString("main")
	b.StartObject(graphFields)
	b.PrependUOffsetTSlot(graphTensors, tensorList, 0)
	b.PrependUOffsetTSlot(graphInputs, in, 0)
	b.PrependUOffsetTSlot(graphOutputs, out, 0)
	b.PrependUOffsetTSlot(graphOperators, operatorList, 0)
	b.PrependUOffsetTSlot(graphName, name, 0)
	return b.EndObject()
}

func (e *encoder) ints(v []int) flatbuffers.UOffsetT {
	e.b.StartVector(4, len(v), 4)
	for _, x := range slices.Backward(v) {
		e.b.PlaceInt32(int32(max(math.MinInt32, min(x, math.MaxInt32))))
	}
	return e.b.EndVector(len(v))
}
