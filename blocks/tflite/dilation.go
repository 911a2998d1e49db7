package tflite

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// atrous are the operators from SPACE_TO_BATCH_ND to BATCH_TO_SPACE_ND, by which old converters of TensorFlow wrote a
// dilated convolution.
type atrous struct {
	split, conv, join int // operators
	between           []int
	block             [2]int
	pads, crops       [4]int // top, bottom, left, right
}

// mostDilated bounds the convolutions that are read so, and with them the time.
const mostDilated = 256

// pointwise are operators that may stand between the convolution and BATCH_TO_SPACE_ND.
var pointwise = map[string]bool{"ADD": true, "MUL": true, "RELU": true, "RELU6": true, "QUANTIZE": true}

// dilate turns each convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND into a dilated one: the phases of a
// map, which the first makes images of a batch, are what the taps of a dilated convolution meet.
func (m *Model) dilate() error {
	at := func(name string) int {
		return slices.IndexFunc(m.Operators, func(op Operator) bool { return op.Name == name })
	}
	for i, rounds := at("SPACE_TO_BATCH_ND"), 0; i >= 0; i, rounds = at("SPACE_TO_BATCH_ND"), rounds+1 {
		if rounds == mostDilated {
			return fmt.Errorf("operator %d, SPACE_TO_BATCH_ND: there are more than %d of them", i, mostDilated)
		}
		a, err := m.atrous(i)
		if err == nil {
			err = m.undo(a)
		}
		if err != nil {
			return fmt.Errorf("operator %d, SPACE_TO_BATCH_ND: %w; it is read before one convolution of stride 1 and "+
				"BATCH_TO_SPACE_ND only", i, err)
		}
		if len(m.Notes) == 0 {
			m.Notes = append(
				m.Notes,
				"SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND are read as the dilation of the convolution between them",
			)
		}
	}
	if i := at("BATCH_TO_SPACE_ND"); i >= 0 {
		return fmt.Errorf(
			"operator %d, BATCH_TO_SPACE_ND: it is read after SPACE_TO_BATCH_ND and a convolution only",
			i,
		)
	}
	return nil
}

// reader returns the one operator that reads what another writes.
func (m *Model) reader(op int) (int, error) {
	if len(m.Operators[op].Outputs) != 1 {
		return 0, fmt.Errorf("operator %d has %d outputs", op, len(m.Operators[op].Outputs))
	}
	out, found := m.Operators[op].Outputs[0], -1
	for i := range m.Operators {
		for k, in := range m.Operators[i].Inputs {
			if in == out && (found >= 0 || k != 0) {
				return 0, fmt.Errorf("its result is read in several places")
			} else if in == out {
				found = i
			}
		}
	}
	if found < 0 || slices.Contains(m.Outputs, out) {
		return 0, fmt.Errorf("its result is an output, or not read")
	}
	return found, nil
}

// numbers returns input k of an operator, n constant integers from 0 to 2^20.
func (m *Model) numbers(op *Operator, k, n int) ([]int, error) {
	if k >= len(op.Inputs) || op.Inputs[k] < 0 {
		return nil, fmt.Errorf("input %d is missing", k)
	}
	t := &m.Tensors[op.Inputs[k]]
	if t.Data == nil || t.Type != Int32 || t.elems() != n {
		return nil, fmt.Errorf("input %d must be %d constant integers", k, n)
	}
	v := make([]int, n)
	for i := range v {
		if x := t.at(i); x < 0 || x > 1<<20 {
			return nil, fmt.Errorf("input %d is %d", k, x)
		} else {
			v[i] = int(x)
		}
	}
	return v, nil
}

// atrous finds what follows the SPACE_TO_BATCH_ND at an index.
func (m *Model) atrous(i int) (a atrous, err error) {
	a.split = i
	if a.conv, err = m.reader(i); err != nil {
		return a, err
	}
	conv := &m.Operators[a.conv]
	if conv.Name != "CONV_2D" && conv.Name != "DEPTHWISE_CONV_2D" || conv.Options["stride_h"] != 1 ||
		conv.Options["stride_w"] != 1 || conv.Options["dilation_h"] > 1 || conv.Options["dilation_w"] > 1 {
		return a, fmt.Errorf("%s reads it", conv.Name)
	}
	for a.join = a.conv; ; a.between = append(a.between, a.join) {
		if a.join, err = m.reader(a.join); err != nil {
			return a, err
		}
		if m.Operators[a.join].Name == "BATCH_TO_SPACE_ND" {
			break
		}
		if !pointwise[m.Operators[a.join].Name] || len(a.between) > 4 {
			return a, fmt.Errorf("%s reads its result", m.Operators[a.join].Name)
		}
	}
	split, join := &m.Operators[i], &m.Operators[a.join]
	for k, list := range [][]int{a.block[:], a.pads[:]} {
		v, err := m.numbers(split, k+1, len(list))
		if err != nil {
			return a, err
		}
		copy(list, v)
	}
	block, err := m.numbers(join, 1, 2)
	if err != nil {
		return a, err
	}
	crops, err := m.numbers(join, 2, 4)
	if err != nil {
		return a, err
	}
	copy(a.crops[:], crops)
	if [2]int(block) != a.block || min(block[0], block[1]) < 1 {
		return a, fmt.Errorf("blocks of %v and of %v", a.block, block)
	}
	if len(join.Outputs) != 1 || len(split.Inputs) == 0 || split.Inputs[0] < 0 {
		return a, fmt.Errorf("without input or output")
	}
	return a, nil
}

// undo writes a dilated convolution in place of a.
func (m *Model) undo(a atrous) error {
	split, conv, join := &m.Operators[a.split], &m.Operators[a.conv], &m.Operators[a.join]
	from, to := m.Tensors[split.Inputs[0]].Dims, m.Tensors[join.Outputs[0]].Dims
	if len(conv.Inputs) < 2 || conv.Inputs[1] < 0 || len(m.Tensors[conv.Inputs[1]].Dims) != 4 || len(from) != 4 ||
		len(to) != 4 {
		return fmt.Errorf("of %v to %v", short(from), short(to))
	}
	kernel := m.Tensors[conv.Inputs[1]].Dims[1:3]
	var pads [4]int
	for k := range 2 {
		before, after := 0, 0
		if conv.Options["padding"] == Same {
			if kernel[k]%2 == 0 {
				return fmt.Errorf("padding SAME of an even kernel")
			}
			before, after = kernel[k]/2, kernel[k]/2
		}
		// What BATCH_TO_SPACE_ND cuts off need not be there.
		pads[2*k] = a.pads[2*k] + before*a.block[k] - a.crops[2*k]
		pads[2*k+1] = a.pads[2*k+1] + after*a.block[k] - a.crops[2*k+1]
		if n := from[1+k] + pads[2*k] + pads[2*k+1] - a.block[k]*(kernel[k]-1); n != to[1+k] ||
			min(pads[2*k], pads[2*k+1]) < 0 {
			return fmt.Errorf("of %v to %v with paddings %v and %v cut off", short(from), short(to), a.pads, a.crops)
		}
	}
	last := a.conv
	if len(a.between) > 0 {
		last = a.between[len(a.between)-1]
	}
	result := &m.Tensors[join.Outputs[0]]
	if old := &m.Tensors[m.Operators[last].Outputs[0]]; old.Type != result.Type ||
		!slices.Equal(old.Scale, result.Scale) ||
		!slices.Equal(old.Zero, result.Zero) {
		return fmt.Errorf("BATCH_TO_SPACE_ND changes the scale")
	}
	for _, i := range append([]int{a.conv}, a.between...) {
		m.Tensors[m.Operators[i].Outputs[0]].Dims = slices.Clone(to)
	}
	m.Operators[last].Outputs = []int{join.Outputs[0]}
	o := Options{"padding": Valid, "dilation_h": float64(a.block[0]), "dilation_w": float64(a.block[1])}
	for k, v := range conv.Options {
		if k != "padding" && o[k] == 0 {
			o[k] = v
		}
	}
	conv.Options = o
	if pads == [4]int{} {
		conv.Inputs[0] = split.Inputs[0]
		m.Operators = slices.Delete(m.Operators, a.join, a.join+1)
		m.Operators = slices.Delete(m.Operators, a.split, a.split+1)
		return nil
	}
	var data []byte
	for _, v := range []int{0, 0, pads[0], pads[1], pads[2], pads[3], 0, 0} {
		data = binary.LittleEndian.AppendUint32(data, uint32(v))
	}
	padded := &m.Tensors[split.Outputs[0]]
	padded.Dims = []int{from[0], from[1] + pads[0] + pads[1], from[2] + pads[2] + pads[3], from[3]}
	sides := Tensor{Name: padded.Name + ".border", Dims: []int{4, 2}, Type: Int32, Data: data}
	m.Tensors = append(m.Tensors, sides)
	*split = Operator{Name: "PAD", Inputs: []int{split.Inputs[0], len(m.Tensors) - 1}, Outputs: split.Outputs}
	m.Operators = slices.Delete(m.Operators, a.join, a.join+1)
	return nil
}
