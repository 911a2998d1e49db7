package arena

import (
	"encoding/binary"
	"slices"

	"nas/blocks/tflite"
)

// Patched tells what a network would need whose first operators ran patch by patch: one part of a later map after the
// other, from the parts of the maps before it (MCUNetV2, section 3.1).
type Patched struct {
	// Operators is the number of the first operators that run by patches, Last the name of the map that they end in.
	Operators int
	Last      string
	Grid      int // patches in a row and in a column of that map
	// Bytes is the most memory in use at a time: no arena is smaller.
	Bytes int
	// MoreMACsPct is how many multiply-accumulates more the network needs, in per cent of all, because patches overlap.
	MoreMACsPct float64
}

// grids are the numbers of patches in a row that are tried.
var grids = []int{2, 3, 4}

// Patches returns the patches that need the least memory. The input is kept as a whole. ok is false if no patches need
// less than bytes, such as the arena without patches, or if the model does not begin with operators on maps.
func Patches(m *tflite.Model, bytes int) (best Patched, ok bool) {
	plan, err := Of(m)
	if err != nil {
		return best, false
	}
	live, all := plan.Live(), 0
	for i := range m.Operators {
		all += macs(m, i, whole(m, m.Operators[i].Outputs[0]))
	}
	o := newOrders(m)
	for cut := 1; cut < len(m.Operators) && local(m, cut-1); cut++ {
		last := m.Operators[cut-1].Outputs[0]
		if !o.onlyLive(cut, last) {
			continue
		}
		rest := slices.Max(live[cut+1:])
		for _, grid := range grids {
			s := whole(m, last)
			if s.bottom < grid || s.right < grid || rest >= bytes {
				continue
			}
			stage, work := o.patched(cut, grid)
			p := Patched{Operators: cut, Last: m.Tensors[last].Name, Grid: grid, Bytes: max(stage, rest)}
			p.MoreMACsPct = 100 * float64(work) / float64(max(1, all))
			if p.Bytes < bytes || ok && p.Bytes == bytes && p.MoreMACsPct < best.MoreMACsPct {
				best, bytes, ok = p, p.Bytes, true
			}
		}
	}
	return best, ok
}

// onlyLive tells whether behind the first operators nothing but one tensor of theirs is needed.
func (o *orders) onlyLive(cut, tensor int) bool {
	for t := range o.m.Tensors {
		if t == tensor || o.bytes[t] == 0 || o.maker[t] >= cut {
			continue
		}
		if o.kept[t] || slices.ContainsFunc(o.readers[t], func(op int) bool { return op >= cut }) {
			return false
		}
	}
	return !o.kept[tensor]
}

// region is a part of a map: rows from top, columns from left, up to bottom and right, which are outside.
type region struct{ top, left, bottom, right int }

func (r region) empty() bool { return r.bottom <= r.top || r.right <= r.left }

func (r region) pixels() int {
	if r.empty() {
		return 0
	}
	return (r.bottom - r.top) * (r.right - r.left)
}

// join is the smallest region that holds both.
func (r region) join(s region) region {
	if r.empty() {
		return s
	}
	return region{min(r.top, s.top), min(r.left, s.left), max(r.bottom, s.bottom), max(r.right, s.right)}
}

// whole is all of a tensor; empty if it is no map.
func whole(m *tflite.Model, t int) region {
	if d := m.Tensors[t].Dims; len(d) == 4 {
		return region{0, 0, d[1], d[2]}
	}
	return region{}
}

// patched returns the most memory that the first operators need if they run by patches, and how many
// multiply-accumulates more than without patches they take.
func (o *orders) patched(cut, grid int) (bytes, more int) {
	m := o.m
	last := m.Operators[cut-1].Outputs[0]
	full := whole(m, last)
	kept := o.bytes[last]
	for _, t := range m.Inputs {
		kept += o.bytes[t]
	}
	for i := range cut {
		more -= macs(m, i, whole(m, m.Operators[i].Outputs[0]))
	}
	for k := range grid * grid {
		row, column := k/grid, k%grid
		parts := make([]region, len(m.Tensors))
		parts[last] = region{full.bottom * row / grid, full.right * column / grid,
			full.bottom * (row + 1) / grid, full.right * (column + 1) / grid}
		for i := cut - 1; i >= 0; i-- {
			op := m.Operators[i]
			out := parts[op.Outputs[0]]
			more += macs(m, i, out)
			for _, t := range op.Inputs {
				if t >= 0 && o.bytes[t] > 0 {
					parts[t] = parts[t].join(reads(m, op, t, out))
				}
			}
		}
		for i := range cut {
			bytes = max(bytes, kept+o.liveParts(parts, i, cut, last))
		}
	}
	return bytes, more
}

// liveParts returns the bytes of the parts of maps that are there while an operator runs.
func (o *orders) liveParts(parts []region, at, cut, last int) (bytes int) {
	for t, b := range o.bytes {
		if b == 0 || t == last || o.maker[t] < 0 || o.maker[t] > at {
			continue
		}
		if slices.ContainsFunc(o.readers[t], func(op int) bool { return op >= at && op < cut }) || o.maker[t] == at {
			d := o.m.Tensors[t].Dims
			bytes += aligned(parts[t].pixels() * d[len(d)-1] * bytesOf[o.m.Tensors[t].Type])
		}
	}
	return bytes
}

// local tells whether an operator computes each part of a map from a part of its inputs.
func local(m *tflite.Model, i int) bool {
	op := m.Operators[i]
	switch op.Name {
	case "CONV_2D",
		"DEPTHWISE_CONV_2D",
		"MAX_POOL_2D",
		"AVERAGE_POOL_2D",
		"PAD",
		"PADV2",
		"ADD",
		"MUL",
		"RELU",
		"RELU6",
		"HARD_SWISH",
		"LOGISTIC",
		"TANH",
		"QUANTIZE":
	default:
		return false
	}
	maps := append([]int{op.Outputs[0]}, op.Inputs...)
	return !slices.ContainsFunc(
		maps,
		func(t int) bool { return len(m.Tensors[t].Data) == 0 && len(m.Tensors[t].Dims) != 4 },
	)
}

// reads returns the region of an input that a region of an operator's output depends on.
func reads(m *tflite.Model, op tflite.Operator, input int, out region) region {
	in := whole(m, input)
	if out.empty() {
		return region{}
	}
	var kernel, stride, dilation, before [2]int
	stride, dilation, kernel = [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}
	option := func(name string, missing int) int {
		if v, ok := op.Options[name]; ok {
			return int(v)
		}
		return missing
	}
	switch op.Name {
	case "PAD", "PADV2":
		sides := m.Tensors[op.Inputs[1]].Data // N, H, W, C; before and behind; 32 bits
		before = [2]int{int(binary.LittleEndian.Uint32(sides[8:])), int(binary.LittleEndian.Uint32(sides[16:]))}
	case "CONV_2D", "DEPTHWISE_CONV_2D":
		w := m.Tensors[op.Inputs[1]].Dims
		kernel = [2]int{w[1], w[2]}
		dilation = [2]int{option("dilation_h", 1), option("dilation_w", 1)}
		fallthrough
	case "MAX_POOL_2D", "AVERAGE_POOL_2D":
		stride = [2]int{option("stride_h", 1), option("stride_w", 1)}
		kernel = [2]int{option("filter_h", kernel[0]), option("filter_w", kernel[1])}
		if option("padding", int(tflite.Same)) == int(tflite.Same) {
			before[0] = samePad(in.bottom, kernel[0], stride[0], dilation[0])
			before[1] = samePad(in.right, kernel[1], stride[1], dilation[1])
		}
	default: // value by value, where a map of 1 x 1 pixel meets all
		if in.pixels() == 1 {
			return in
		}
	}
	from := func(i, at int) int { return at*stride[i] - before[i] }
	to := func(i, at int) int { return (at-1)*stride[i] - before[i] + (kernel[i]-1)*dilation[i] + 1 }
	return region{
		max(0, from(0, out.top)), max(0, from(1, out.left)),
		min(in.bottom, to(0, out.bottom)), min(in.right, to(1, out.right)),
	}
}

// samePad returns the rows above that padding SAME adds to n rows.
func samePad(n, kernel, stride, dilation int) int {
	out := (n + stride - 1) / stride
	return max(0, (out-1)*stride+dilation*(kernel-1)+1-n) / 2
}

// macs returns the multiply-accumulates of a part of an operator's output.
func macs(m *tflite.Model, i int, out region) int {
	op := m.Operators[i]
	switch op.Name {
	case "CONV_2D", "DEPTHWISE_CONV_2D":
	default:
		return 0
	}
	n := out.pixels() // weights are O x H x W x I, or 1 x H x W x C
	for _, d := range m.Tensors[op.Inputs[1]].Dims {
		n *= d
	}
	return n
}
