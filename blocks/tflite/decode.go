package tflite

import (
	"fmt"

	"nas/internal/fault"
)

// Decode reads a .tflite file. The data of constants are parts of file, which must not change. What the
// tables of this package do not have is an error that names operator and field: an operator that is not among those
// written, an option that is set and unknown, sparse tensors, several graphs, an unknown type.
func Decode(file []byte) (*Model, error) {
	m, err := decode(file)
	if err != nil {
		return nil, fault.Errorf("tflite: %w", err)
	}
	return m, nil
}

func decode(file []byte) (*Model, error) {
	d := newData(file)
	if len(file) < 8 || string(file[4:8]) != identifier {
		return nil, fmt.Errorf("this is no .tflite file: it does not have the mark %s", identifier)
	}
	root, err := d.follow(0)
	if err != nil {
		return nil, err
	}
	t, err := d.table(root)
	if err != nil {
		return nil, err
	}
	version, err := t.int(modelVersion, 0)
	if err != nil {
		return nil, err
	}
	if version != schemaVersion {
		return nil, fmt.Errorf("of version %d, want %d", version, schemaVersion)
	}
	r := &decoder{m: new(Model)}
	if r.m.Description, err = t.text(modelDescription); err != nil {
		return nil, err
	}
	if err := t.tables(modelBuffers, r.buffer); err != nil {
		return nil, fmt.Errorf("buffers: %w", err)
	}
	if err := t.tables(modelCodes, r.code); err != nil {
		return nil, fmt.Errorf("operator codes: %w", err)
	}
	graphs := 0
	err = t.tables(modelSubgraphs, func(i int, g table) error {
		if graphs++; graphs > 1 {
			return fmt.Errorf("has several graphs: want a model without IF, WHILE and CALL_ONCE")
		}
		return r.graph(g)
	})
	if err != nil {
		return nil, err
	}
	if graphs == 0 {
		return nil, fmt.Errorf("has no graph")
	}
	if err := r.m.dilate(); err != nil {
		return nil, err
	}
	return r.m, t.tables(modelMetadata, r.metadata)
}

// decoder fills a model.
type decoder struct {
	m       *Model
	buffers [][]byte
	codes   []*builtin // nil for one that is unknown
	names   []string   // of all codes
}

func (r *decoder) buffer(_ int, t table) error {
	b, _, err := t.vector(bufferData, 1)
	if err != nil {
		return err
	}
	if t.field(bufferOffset) != 0 {
		return fmt.Errorf(
			"buffer %d lies outside the tables of the file, as in models of 2 GiB and more",
			len(r.buffers),
		)
	}
	if len(b) == 0 {
		b = nil
	}
	r.buffers = append(r.buffers, b)
	return nil
}

func (r *decoder) code(_ int, t table) error {
	old, err := t.byte(codeDeprecated, 0)
	if err != nil {
		return err
	}
	code, err := t.int(codeBuiltin, 0)
	if err != nil {
		return err
	}
	custom, err := t.text(codeCustom)
	if err != nil {
		return err
	}
	code = max(code, int32(int8(old))) // files before version 3a have the byte only
	var row *builtin
	for i := range builtins {
		if builtins[i].code == code {
			row = &builtins[i]
		}
	}
	name := fmt.Sprintf("number %d", code)
	if code >= 0 && int(code) < len(operatorNames) {
		name = operatorNames[code]
	}
	if custom != "" {
		row, name = nil, fmt.Sprintf("custom %.40q", custom)
	}
	r.codes, r.names = append(r.codes, row), append(r.names, name)
	return nil
}

func (r *decoder) graph(t table) error {
	if err := t.tables(graphTensors, r.tensor); err != nil {
		return err
	}
	if err := t.tables(graphOperators, r.operator); err != nil {
		return err
	}
	var err error
	if r.m.Inputs, err = r.indices(t, graphInputs, 0); err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	if r.m.Outputs, err = r.indices(t, graphOutputs, 0); err != nil {
		return fmt.Errorf("outputs: %w", err)
	}
	return nil
}

// indices reads indices of tensors, least or more.
func (r *decoder) indices(t table, k, least int) ([]int, error) {
	v, err := t.ints(k)
	if err != nil {
		return nil, err
	}
	for _, i := range v {
		if i < least || i >= len(r.m.Tensors) {
			return nil, fmt.Errorf("of tensor %d, and the file has %d: it is damaged, copy it again", i, len(r.m.Tensors))
		}
	}
	return v, nil
}

// typeNames are the names of the enum TensorType.
var typeNames = []string{
	"float32",
	"float16",
	"int32",
	"uint8",
	"int64",
	"string",
	"bool",
	"int16",
	"complex64",
	"int8",
	"float64",
	"complex128",
	"uint64",
	"resource",
	"variant",
	"uint32",
	"uint16",
	"int4",
	"bfloat16",
	"int2",
	"uint4",
}

// typeBytes are the types that are read, with the bytes of a value.
var typeBytes = map[Type]int{Float32: 4, Float16: 2, Int32: 4, UInt8: 1, Int64: 8, Int8: 1}

func (r *decoder) tensor(i int, t table) (err error) {
	var x Tensor
	if x.Name, err = t.text(tensorName); err != nil {
		return err
	}
	fail := func(format string, a ...any) error {
		return fmt.Errorf("tensor %d, %.60q: %w", i, x.Name, fmt.Errorf(format, a...))
	}
	if x.Dims, err = t.ints(tensorShape); err != nil {
		return fail("dims: %w", err)
	}
	kind, err := t.byte(tensorType, 0)
	if err != nil {
		return fail("type: %w", err)
	}
	x.Type = Type(kind)
	size := float64(typeBytes[x.Type])
	if size == 0 {
		name := fmt.Sprintf("number %d", kind)
		if int(kind) < len(typeNames) {
			name = typeNames[kind]
		}
		return fail("of type %s, want float32, float16, int8, uint8, int32 or int64", name)
	}
	if t.field(tensorSparsity) != 0 {
		return fail("is sparse")
	}
	at, err := t.int(tensorBuffer, 0)
	if err != nil || at < 0 || int(at) >= max(len(r.buffers), 1) {
		return fail("its buffer %d of %d", at, len(r.buffers))
	}
	for _, n := range x.Dims {
		if size *= float64(n); n < 0 || size > maxBytes {
			return fail("dims %v", short(x.Dims))
		}
	}
	if int(at) < len(r.buffers) {
		x.Data = r.buffers[at]
	}
	if x.Data != nil && len(x.Data) != int(size) {
		return fail("has %d bytes, its dims %v want %d", len(x.Data), short(x.Dims), int(size))
	}
	if err := r.quantization(&x, t); err != nil {
		return fail("quantisation: %w", err)
	}
	r.m.Tensors = append(r.m.Tensors, x)
	return nil
}

func (r *decoder) operator(i int, t table) error {
	code, err := t.int(operatorCode, 0)
	if err != nil {
		return err
	}
	if code < 0 || int(code) >= len(r.codes) {
		return fmt.Errorf("operator %d: of code %d, and the file has %d: it is damaged, copy it again", i, code, len(r.codes))
	}
	row, name := r.codes[code], r.names[code]
	fail := func(format string, a ...any) error {
		return fmt.Errorf("operator %d, %s: %w", i, name, fmt.Errorf(format, a...))
	}
	if row == nil {
		return fail("this operator is not read")
	}
	op := Operator{Name: name}
	if op.Inputs, err = r.indices(t, operatorInputs, -1); err != nil {
		return fail("inputs: %w", err)
	}
	if op.Outputs, err = r.indices(t, operatorOutputs, 0); err != nil {
		return fail("outputs: %w", err)
	}
	union, err := t.byte(operatorUnion, 0)
	if err != nil {
		return fail("%w", err)
	}
	o, ok, err := t.child(operatorOptions)
	if err != nil {
		return fail("options: %w", err)
	}
	if ok && union != 0 {
		if union != row.union && row.union != 0 {
			return fail("has the options of another operator, number %d", union)
		}
		if op.Options, err = row.read(o); err != nil {
			return fail("options: %w", err)
		}
	}
	r.m.Operators = append(r.m.Operators, op)
	return nil
}

// dimsOfOutput are operators whose options repeat the dims of their output.
var dimsOfOutput = map[string]bool{"RESHAPE": true, "SQUEEZE": true}

// read reads the options that are not at their default. One that the table of the operator does not have is refused.
func (b *builtin) read(t table) (o Options, err error) {
	set := func(k string, v, missing float64) {
		if v != missing {
			if o == nil {
				o = Options{}
			}
			o[k] = v
		}
	}
	for k, f := range b.options {
		var v float64
		switch f.kind {
		case kindByte, kindBool:
			var x byte
			x, err = t.byte(k, byte(f.missing))
			v = float64(x)
		case kindInt:
			var x int32
			x, err = t.int(k, int32(f.missing))
			v = float64(x)
		case kindFloat:
			var x float32
			x, err = t.float(k, float32(f.missing))
			v = float64(x)
		}
		if err != nil {
			return nil, err
		}
		set(f.name, v, f.missing)
	}
	for k := len(b.options); 2*k < len(t.fields); k++ {
		if t.field(k) != 0 && !dimsOfOutput[b.name] {
			return nil, fmt.Errorf("field %d is set, which is not read", k)
		}
	}
	return o, nil
}

func (r *decoder) metadata(_ int, t table) error {
	name, err := t.text(metadataName)
	if err != nil {
		return err
	}
	at, err := t.int(metadataBuffer, 0)
	if err != nil || at < 0 || int(at) >= len(r.buffers) {
		return fmt.Errorf("metadata %.40q: buffer %d of %d", name, at, len(r.buffers))
	}
	r.m.Metadata = append(r.m.Metadata, Metadata{name, r.buffers[at]})
	return nil
}

// short returns the first of many numbers, for messages.
func short(v []int) []int { return v[:min(len(v), 8)] }
