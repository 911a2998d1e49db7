package tflite

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/onnx"
)

// dilatedModel is a network of two dilated convolutions, of integers or floats.
func dilatedModel(t *testing.T, integers bool) (*blocks.Network, *blocks.Weights, *Model) {
	t.Helper()
	n := build(t, blocks.Shape{H: 9, W: 7, C: 4}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = b.Apply(
			"a",
			&blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(2), Dilation: [2]int{2, 2}, Bias: true},
			x,
		)
		x = b.Apply("a.act", &blocks.Activation{Func: blocks.ReLU6}, x)
		return b.Apply(
			"b",
			&blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Pad: blocks.Pad{Top: 1, Left: 4, Bottom: 3, Right: 2},
				Dilation: [2]int{2, 3}, Groups: 8},
			x,
		)
	})
	w := blocks.NewWeights(n, 5)
	m, err := Lower(n, w)
	if integers {
		m, err = Quantize(n, w, QuantizeOptions{FloatEdges: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	return n, w, m
}

// batched writes the dilations of a model as old converters did: with border around each map, and split into phases.
func batched(m *Model) *Model {
	old := *m
	old.Tensors, old.Operators = slices.Clone(m.Tensors), nil
	add := func(name string, dims []int, values ...int) int {
		var data []byte
		for _, v := range values {
			data = binary.LittleEndian.AppendUint32(data, uint32(v))
		}
		old.Tensors = append(old.Tensors, Tensor{Name: name, Dims: dims, Type: Int32, Data: data})
		return len(old.Tensors) - 1
	}
	like := func(at int, name string, dims ...int) int {
		t := old.Tensors[at]
		t.Name, t.Dims = name, dims
		old.Tensors = append(old.Tensors, t)
		return len(old.Tensors) - 1
	}
	for _, op := range m.Operators {
		bh, bw := int(op.Options["dilation_h"]), int(op.Options["dilation_w"])
		if bh*bw < 2 {
			old.Operators = append(old.Operators, op)
			continue
		}
		in, out := old.Tensors[op.Inputs[0]].Dims, old.Tensors[op.Outputs[0]].Dims
		var pads [4]int // SAME has border of its own
		if op.Options["padding"] == Same {
			pads = [4]int{bh, bh, bw, bw}
		}
		h, w := in[1]+pads[0]+pads[1], in[2]+pads[2]+pads[3]
		moreH, moreW := (bh-h%bh)%bh, (bw-w%bw)%bw // which is cut off in the end
		h, w = (h+moreH)/bh, (w+moreW)/bw
		block := add("block", []int{2}, bh, bw)
		phases := like(op.Inputs[0], "phases", bh*bw, h, w, in[3])
		results := like(op.Outputs[0], "results", bh*bw, h-2, w-2, out[3])
		conv := op
		conv.Options = maps.Clone(op.Options)
		delete(conv.Options, "dilation_h")
		delete(conv.Options, "dilation_w")
		conv.Options["padding"] = Valid
		conv.Inputs, conv.Outputs = append([]int{phases}, op.Inputs[1:]...), []int{results}
		old.Operators = append(
			old.Operators,
			Operator{Name: "SPACE_TO_BATCH_ND", Inputs: []int{op.Inputs[0], block,
				add("pads", []int{2, 2}, pads[0], pads[1]+moreH, pads[2], pads[3]+moreW)}, Outputs: []int{phases}},
			conv,
			Operator{
				Name:    "BATCH_TO_SPACE_ND",
				Inputs:  []int{results, block, add("crops", []int{2, 2}, 0, moreH, 0, moreW)},
				Outputs: op.Outputs,
			},
		)
	}
	return &old
}

// TestDilation reads convolutions between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND as dilated ones, which compute the
// same.
func TestDilation(t *testing.T) {
	for _, integers := range []bool{false, true} {
		n, w, m := dilatedModel(t, integers)
		old := batched(m)
		if text := text(old); strings.Count(text, "SPACE_TO_BATCH_ND") != 2 {
			t.Fatalf("the old form is %s", text)
		}
		file, err := Encode(old)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if text := text(got); strings.Contains(text, "BATCH") || strings.Count(text, "CONV_2D") != 2 {
			t.Errorf("it is read as %s", text)
		}
		if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "dilation") {
			t.Errorf("notes are %q", got.Notes)
		}
		net, err := Read(file, onnx.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := net.Network.Counts().MACs, n.Counts().MACs; a != b {
			t.Errorf("%d multiply-accumulates, want %d", a, b)
		}
		x := image(n.Input())
		if integers {
			a, err := got.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			b, err := m.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a[0], b[0]) {
				t.Error("integers differ")
			}
		} else if d := differ(run(t, net.Network, net.Weights), run(t, n, w)); !(d < 1e-6) {
			t.Errorf("floats differ by %.2g of the largest output", d)
		}
	}
}

// TestDilationRefuses changes one thing of the old form.
func TestDilationRefuses(t *testing.T) {
	for want, change := range map[string]func(m *Model, split, conv, join *Operator){
		"CONV_2D reads it":      func(_ *Model, _, conv, _ *Operator) { conv.Options["stride_h"] = 2 },
		"several places":        func(_ *Model, split, _, join *Operator) { join.Inputs[0] = split.Outputs[0] },
		"an output":             func(m *Model, split, _, _ *Operator) { m.Outputs = append(m.Outputs, split.Outputs[0]) },
		"RESHAPE reads":         func(_ *Model, _, _, join *Operator) { join.Name = "RESHAPE" },
		"cut off":               func(m *Model, split, _, _ *Operator) { m.Tensors[split.Inputs[2]].Data[0] = 1 },
		"constant integers":     func(m *Model, split, _, _ *Operator) { split.Inputs[2] = split.Inputs[0] },
		"BATCH_TO_SPACE_ND: it": func(_ *Model, split, _, _ *Operator) { split.Name = "RELU" },
	} {
		_, _, m := dilatedModel(t, false)
		old := batched(m)
		at := slices.IndexFunc(old.Operators, func(o Operator) bool { return o.Name == "SPACE_TO_BATCH_ND" })
		change(old, &old.Operators[at], &old.Operators[at+1], &old.Operators[at+2])
		file, err := Encode(old)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, have %v", want, err)
		}
	}
}

// TestDilationInRuntimes runs the old form itself.
func TestDilationInRuntimes(t *testing.T) {
	for _, p := range peers(t) {
		for _, integers := range []bool{false, true} {
			n, w, m := dilatedModel(t, integers)
			x := image(n.Input())
			got := p.outputs(t, batched(m), [][]float32{x})[0]
			if !integers {
				if d := differ(got, run(t, n, w)); !(d <= 1e-4) {
					t.Errorf("%s: floats differ by %.2g of the largest output", p.name, d)
				}
				continue
			}
			want, err := m.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			step := float64(m.Tensors[m.Operators[len(m.Operators)-1].Inputs[0]].Scale[0])
			if a := compareSteps(got, want[0], step, 8); a.steps > 1 {
				t.Errorf("%s: integers differ by %v steps", p.name, a.steps)
			}
		}
	}
}
