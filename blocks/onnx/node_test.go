package onnx

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// nodeTests is where Debian's libonnx-testdata puts ONNX's own tests of operators.
const nodeTests = "/usr/share/libonnx-testdata/data/node"

// TestONNXNodeTests runs ONNX's own tests of single operators, each with every input
// of floats as the activation and the others as constants: a right answer or a
// refusal that names operator and node, never a wrong answer.
func TestONNXNodeTests(t *testing.T) {
	dirs, _ := filepath.Glob(filepath.Join(nodeTests, "*"))
	if len(dirs) == 0 {
		t.Skip("skipped: ONNX's node tests are not here; Debian: apt-get install libonnx-testdata")
	}
	right, runs := 0, 0
	var refusals []string
	for _, dir := range dirs {
		for active := range 8 {
			outcome, err := runNodeTest(dir, active)
			if outcome == notATest {
				continue
			}
			runs++
			name := fmt.Sprintf("%s, input %d", filepath.Base(dir), active)
			switch outcome {
			case correct:
				right++
			case refusedByName:
				refusals = append(refusals, fmt.Sprintf("%s: %.200v", name, err))
			default:
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	t.Logf("%d of %d runs are right, the others are refused by name", right, runs)
	if testing.Verbose() {
		for _, r := range refusals {
			t.Log(r)
		}
	}
	if right < 300 {
		t.Errorf("%d runs are right, want 300 or more", right)
	}
}

type outcome int

const (
	notATest outcome = iota
	correct
	refusedByName
	incorrect
)

// tensorField reads a TensorProto file: as a tensor, and as the message.
func tensorField(path string) (*tensor, []byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	t, err := parseTensor(b, nil)
	return t, b, err
}

func runNodeTest(dir string, active int) (outcome, error) {
	data, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return notATest, err
	}
	p, err := parseModel(data)
	if err != nil || active >= len(p.inputs) || p.inputs[active].elem != elemFloat || len(p.inputs[active].dims) < 2 {
		return notATest, err
	}
	set := filepath.Join(dir, "test_data_set_0")
	x, _, err := tensorField(filepath.Join(set, fmt.Sprintf("input_%d.pb", active)))
	if err != nil || x.f == nil || len(x.f) == 0 {
		return notATest, err
	}
	// The other inputs become initializers at the end of the graph.
	extra := message(nil)
	for i, in := range p.inputs {
		if i == active {
			continue
		}
		_, raw, err := tensorField(filepath.Join(set, fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			return notATest, err
		}
		extra = extra.sub(graphInitializer, append(withoutName(raw), message(nil).text(tensorName, in.name)...))
	}
	m, err := Read(inGraph(data, extra), ReadOptions{Shape: x.dims})
	if err != nil {
		op := strings.Contains(err.Error(), "onnx: operator ") && strings.Contains(err.Error(), " of node ")
		if op || strings.Contains(err.Error(), "output ") || strings.Contains(err.Error(), "input ") ||
			strings.Contains(err.Error(), "opset") {
			return refusedByName, err
		}
		return incorrect, err
	}
	if len(m.Notes) > 0 {
		return refusedByName, fmt.Errorf("%s", m.Notes[0])
	}
	n := m.Input.perImage()
	var outs [][]float32
	for k := 0; k < len(x.f); k += n {
		in := make([]float32, n)
		if err := m.Input.FromFile(in, x.f[k:][:n]); err != nil {
			return incorrect, err
		}
		acts, err := m.Network.Eval(m.Weights, in)
		if err != nil {
			return incorrect, err
		}
		for i, o := range m.Outputs {
			y := make([]float32, o.perImage())
			if err := o.ToFile(y, acts[o.Node].Data); err != nil {
				return incorrect, err
			}
			if k == 0 {
				outs = append(outs, nil)
			}
			outs[i] = append(outs[i], y...)
		}
	}
	for i, o := range m.Outputs {
		at := slices.IndexFunc(p.outputs, func(v infoProto) bool { return v.name == o.Name })
		want, _, err := tensorField(filepath.Join(set, fmt.Sprintf("output_%d.pb", at)))
		if err != nil {
			return incorrect, err
		}
		if want.f == nil {
			return notATest, nil // bfloat16 as integers of two bytes
		}
		if !slices.Equal(want.dims, o.Dims) {
			return incorrect, fmt.Errorf("output %q is %v, want %v", o.Name, o.Dims, want.dims)
		}
		if _, err := close(outs[i], want.f, 1e-3); err != nil {
			return incorrect, fmt.Errorf("output %q: %w", o.Name, err)
		}
	}
	return correct, nil
}

// withoutName drops the name of a TensorProto.
func withoutName(raw []byte) message {
	var out message
	for len(raw) > 0 {
		field, _, n := protowire.ConsumeField(raw)
		if n < 0 {
			return out
		}
		if field != tensorName {
			out = append(out, raw[:n]...)
		}
		raw = raw[n:]
	}
	return out
}

// inGraph appends fields to the graph of a model.
func inGraph(model []byte, extra message) []byte {
	var out message
	for len(model) > 0 {
		field, _, n := protowire.ConsumeField(model)
		if n < 0 {
			return out
		}
		if field == modelGraph {
			_, _, tag := protowire.ConsumeTag(model)
			graph, _ := protowire.ConsumeBytes(model[tag:])
			out = out.sub(modelGraph, append(slices.Clone(message(graph)), extra...))
		} else {
			out = append(out, model[:n]...)
		}
		model = model[n:]
	}
	return out
}
