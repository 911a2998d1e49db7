package timing

import (
	"fmt"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/plural"
)

// Device identifies what is timed. Timings of equal devices can be compared and combined.
type Device struct {
	Name    string        `json:"name"`              // "native", a recipe's or a table's name
	CPU     string        `json:"cpu"`               // model name of the processor
	Runtime string        `json:"runtime"`           // "nas kernels", "onnxruntime 1.30.0"
	Version string        `json:"version,omitempty"` // of the runtime; empty: not a release
	DType   string        `json:"dtype"`             // of weights and activations: "float32", "int8"
	Threads int           `json:"threads"`
	Cut     string        `json:"cut,omitempty"` // how networks are cut into units: CutPlan, ...
	CPUSet  string        `json:"cpu_set"`       // cores, "1" or "0-3"; empty: any
	Target  engine.Target `json:"target"`        // processor that the cost terms assume
	// Sustained says that the device is timed in the state of steady work, and not in that of a burst.
	Sustained bool `json:"sustained,omitempty"`
}

// NativeName is the Device.Name of this machine with the engine's kernels.
const NativeName = "native"

// String names the device for people and plots. Float32 goes without saying.
func (d Device) String() string {
	name := fmt.Sprintf("%s on %s, %s", d.Runtime, d.CPU, plural.Of(max(1, d.Threads), "thread"))
	if d.DType != "" && d.DType != "float32" {
		name += ", " + d.DType
	}
	if d.Sustained {
		name += ", sustained"
	}
	return name
}

// Match returns an error that names the first difference between two devices.
// The set of cores does not count, as long as their number is the same.
func (d Device) Match(o Device) error {
	for _, f := range []struct {
		what string
		a, b any
	}{
		{"device", d.Name, o.Name}, {"processor", d.CPU, o.CPU}, {"runtime", d.Runtime, o.Runtime},
		{"runtime version", d.Version, o.Version}, {"data type", d.DType, o.DType},
		{"threads", d.Threads, o.Threads}, {"cut", d.Cut, o.Cut}, {"target", d.Target, o.Target},
		{"sustained load", d.Sustained, o.Sustained},
	} {
		if f.a != f.b {
			return fmt.Errorf("the profile's %s is %v, here it is %v", f.what, f.a, f.b)
		}
	}
	return nil
}

// PhoneTarget returns an Arm processor with the caches of a phone's, for devices that do not
// tell what they are.
func PhoneTarget(threads int) engine.Target {
	return engine.Target{ISA: "neon", L1: 32 << 10, L2: 512 << 10, L3: 4 << 20, Threads: max(1, threads)}
}

// Ways to cut a network into units: the values of Device.Cut.
const (
	CutPlan   = ""       // the kernel calls of the engine's plan
	CutOps    = "ops"    // the same without block fusion: convolutions with what runtimes commonly fuse
	CutBlocks = "blocks" // as CutOps, but with the convolutions of each separable block as one unit "block"
	CutTFLite = "tflite" // as CutOps, and concatenations copy what they join
)

// Calls cuts a network into the unit calls that the device is modelled by, in the order
// in which they run. It fails if the engine cannot compile the network.
func (d Device) Calls(n *blocks.Network) ([]engine.Call, error) {
	p, err := engine.Compile(n, d.Target, engine.Options{NoBlockFusion: d.Cut != CutPlan})
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	calls := p.Kernels()
	for i := range calls {
		centre(&calls[i].Unit)
	}
	switch d.Cut {
	case CutBlocks:
		return inBlocks(calls), nil
	case CutTFLite:
		return withConcat(n, calls), nil
	}
	return calls, nil
}

// withConcat adds a unit "copy" for each concatenation, behind the calls of the ops before it. Our engine lets the
// ops before a concatenation write into its output; other runtimes copy.
func withConcat(n *blocks.Network, calls []engine.Call) []engine.Call {
	var out []engine.Call
	next := 0
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		if _, ok := nd.Op.(*blocks.Concat); !ok {
			continue
		}
		for next < len(calls) && len(calls[next].Nodes) > 0 && calls[next].Nodes[0] < i {
			out = append(out, calls[next])
			next++
		}
		u := engine.Unit{Name: "copy", In: nd.Shape, Out: nd.Shape, Batch: 1}
		out = append(out, engine.Call{Unit: u, Nodes: []int{i}, Stage: nd.Stage, Block: nd.Block})
	}
	return append(out, calls[next:]...)
}

// centre gives a unit with a convolution that keeps the extent, but for its stride, the same padding on
// all sides. It costs the same where all padding is at the bottom and the right, as Keras has it at
// stride 2, and no table has both.
func centre(u *engine.Unit) {
	switch u.Name {
	case "conv", "dwconv", "block", "expand_dw", "dw_project", "stem_block", "stem_dw":
	default:
		return
	}
	in := [2]int{u.In.H, u.In.W}
	if u.Stem.Out != [2]int{} {
		u.Stem.Pad = centred(in, u.Stem.Out, u.Stem.Kernel, u.Stem.Stride, [2]int{1, 1}, u.Stem.Pad)
		in = u.Stem.Out
	}
	u.Pad = centred(in, [2]int{u.Out.H, u.Out.W}, u.Kernel, u.Stride, u.Dilation, u.Pad)
}

// centred returns the padding at the top and the left.
func centred(in, out, kernel, stride, dilation, pad [2]int) [2]int {
	for i := range pad {
		if kernel[i]%2 == 1 && stride[i] > 0 && out[i] == (in[i]+stride[i]-1)/stride[i] {
			pad[i] = dilation[i] * (kernel[i] - 1) / 2
		}
	}
	return pad
}

// inBlocks joins the convolutions of each block that has one depthwise convolution to a unit
// "block" as tables of blocks have it, from the input of the first to the output of the last.
// Other calls of the block (squeeze-and-excite) stay as they are.
func inBlocks(calls []engine.Call) []engine.Call {
	var out []engine.Call
	for i := 0; i < len(calls); {
		j := i + 1
		for j < len(calls) && calls[i].Block > 0 &&
			calls[j].Stage == calls[i].Stage && calls[j].Block == calls[i].Block {
			j++
		}
		out = append(out, oneBlock(calls[i:j])...)
		i = j
	}
	return out
}

// oneBlock is inBlocks for the calls of one block.
func oneBlock(calls []engine.Call) []engine.Call {
	dw := -1
	for i := range calls {
		if calls[i].Unit.Name == "dwconv" {
			if dw >= 0 {
				return calls
			}
			dw = i
		}
	}
	if dw < 0 || len(calls) < 2 {
		return calls
	}
	d := calls[dw].Unit
	b := engine.Call{Unit: engine.Unit{
		Name: "block", In: d.In, Out: d.Out, Kernel: d.Kernel, Stride: d.Stride, Dilation: d.Dilation, Pad: d.Pad,
		Groups: 1, Mid: d.In.C, DWAct: d.Act, Batch: d.Batch,
	}, Stage: calls[dw].Stage, Block: calls[dw].Block}
	var rest []engine.Call
	for i := range calls {
		u := &calls[i].Unit
		switch {
		case i == dw:
		case u.Name == "conv" && u.Kernel == [2]int{1, 1} && u.In.Pixels() > 1 && i < dw:
			b.Unit.In, b.Unit.MidAct = u.In, u.Act
			b.Unit.Groups = max(b.Unit.Groups, u.Groups)
		case (u.Name == "conv" && u.Kernel == [2]int{1, 1} || u.Name == "scale_conv") && u.In.Pixels() > 1 && i > dw:
			b.Unit.Out, b.Unit.Act, b.Unit.Residual = u.Out, u.Act, u.Residual
			b.Unit.Groups = max(b.Unit.Groups, u.Groups)
		default:
			rest = append(rest, calls[i])
			continue
		}
		b.Nodes = append(b.Nodes, calls[i].Nodes...)
	}
	return append([]engine.Call{b}, rest...)
}
