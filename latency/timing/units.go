package timing

import (
	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
)

const CutPlan = "" // the kernel calls of the engine's plan

const CutOps = "ops" // the same without block fusion: convolutions with what runtimes commonly fuse

const CutBlocks = "blocks" // as CutOps, but with the convolutions of each separable block as one unit "block"

// Calls cuts a network into the unit calls that the device is modelled by, in the order
// in which they run. It fails if the engine cannot compile the network.
func (d Device) Calls(n *blocks.Network) ([]engine.Call, error) {
	p, err := engine.Compile(n, d.Target, engine.Options{NoBlockFusion: d.Cut != CutPlan})
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	if d.Cut == CutBlocks {
		return inBlocks(p.Kernels()), nil
	}
	return p.Kernels(), nil
}

// inBlocks puts the calls of each block that has one depthwise convolution
// together, as a unit "block" as tables of blocks have it: from the input of its
// first convolution to the output of its last. Other calls of such a block
// (squeeze-and-excite) stay by themselves.
func inBlocks(calls []engine.Call) []engine.Call {
	var out []engine.Call
	for i := 0; i < len(calls); {
		j := i + 1
		for j < len(calls) && calls[j].Stage == calls[i].Stage && calls[j].Block == calls[i].Block && calls[i].Block > 0 {
			j++
		}
		out = append(out, oneBlock(calls[i:j])...)
		i = j
	}
	return out
}

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
