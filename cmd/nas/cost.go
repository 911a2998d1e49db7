package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"nas/blocks"
)

func newCost(a *app) *cobra.Command {
	var in string
	var o costOptions
	cmd := &cobra.Command{
		Use:   "cost --in HxWxC --out C --kernel K",
		Short: "Standard, grouped and separable convolution side by side",
		Long: `Cost compares ways to compute one layer: a standard convolution, one in groups,
a depthwise-separable one and an inverted residual. Bytes are those of the
weights and of all maps written, 4 a value.`,
		Example: `  nas cost --in 56x56x64 --out 128 --kernel 3
  nas cost --in 14x14x96 --out 96 --kernel 5 --expansion 4 --json`,
		Args: cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			if _, err := fmt.Sscanf(in, "%dx%dx%d", &o.in.H, &o.in.W, &o.in.C); err != nil || o.in.String() != in {
				return usagef("--in %q: want height x width x channels, such as 56x56x64", in)
			}
			rows, err := o.rows()
			if err != nil {
				return usage(err)
			}
			if a.json {
				return a.writeJSON(map[string]any{"in": hwc(o.in), "layers": rows})
			}
			t := table{head: []string{"layer", "out", "params", "MACs", "of standard", "weight bytes", "map bytes"}}
			for _, r := range rows {
				t.add(r.Name, shapeOf(r.Out), r.Params, r.MACs, fmt.Sprintf("%.1f %%", 100*float64(r.MACs)/float64(rows[0].MACs)), r.WeightBytes, r.MapBytes)
			}
			t.write(a.stdout)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&in, "in", "", "the input, `HxWxC`")
	f.IntVar(&o.out, "out", 0, "output channels `C`")
	f.IntVar(&o.kernel, "kernel", 3, "kernel size `K`")
	f.IntVar(&o.stride, "stride", 1, "stride")
	f.IntVar(&o.dilation, "dilation", 1, "dilation")
	f.IntVar(&o.groups, "groups", 0, "groups of the grouped convolution (default: at most 4)")
	f.Float64Var(&o.expansion, "expansion", 6, "expansion ratio of the inverted residual")
	a.jsonFlag(cmd)
	return cmd
}

type costOptions struct {
	in                                    blocks.Shape
	out, kernel, stride, dilation, groups int
	expansion                             float64
}

type costRow struct {
	Name        string `json:"name"`
	Out         [3]int `json:"out"`
	Params      int64  `json:"params"`
	MACs        int64  `json:"macs"`
	WeightBytes int64  `json:"weight_bytes"`
	MapBytes    int64  `json:"map_bytes"`
}

// build is a layer under its name in the table.
type build struct {
	name  string
	block blocks.Block
}

// networks builds the alternatives, each with batch normalisation and ReLU6.
func (o costOptions) networks() ([]*blocks.Network, error) {
	switch {
	case o.out < 1:
		return nil, fmt.Errorf("--out %d: want at least 1 channel", o.out)
	case o.kernel < 1:
		return nil, fmt.Errorf("--kernel %d: want at least 1", o.kernel)
	case o.stride < 1:
		return nil, fmt.Errorf("--stride %d: want at least 1", o.stride)
	case o.dilation < 1:
		return nil, fmt.Errorf("--dilation %d: want at least 1", o.dilation)
	case !(o.expansion > 0 && o.expansion <= 64):
		return nil, fmt.Errorf("--expansion %v: want above 0, at most 64", o.expansion)
	}
	groups := o.groups
	for g := 4; groups == 0; g-- { // not asked for: what fits, at most 4
		if o.in.C%g == 0 && o.out%g == 0 {
			groups = g
		}
	}
	hidden := blocks.MakeDivisible(float64(o.in.C)*o.expansion, 8)
	var nets []*blocks.Network
	for _, b := range []build{
		{"standard", blocks.ConvBNAct{Out: o.out, Kernel: o.kernel, Stride: o.stride, Dilation: o.dilation, Act: blocks.ReLU6}},
		{fmt.Sprintf("grouped, %d groups", groups), blocks.ConvBNAct{Out: o.out, Kernel: o.kernel, Stride: o.stride, Dilation: o.dilation, Groups: groups, Act: blocks.ReLU6}},
		{"separable", blocks.DepthwiseSeparable{Out: o.out, Kernel: o.kernel, Stride: o.stride, Dilation: o.dilation, Act: blocks.ReLU6}},
		{fmt.Sprintf("inverted residual, %d hidden", hidden), blocks.InvertedResidual{Out: o.out, Expanded: hidden, Kernel: o.kernel, Stride: o.stride, Dilation: o.dilation, Act: blocks.ReLU6}},
	} {
		w := blocks.NewBuilder(b.name, o.in)
		b.block.Build(w, w.Input())
		n, err := w.Network()
		if err != nil {
			return nil, err
		}
		nets = append(nets, n)
	}
	return nets, nil
}

// costRowOf counts a layer. Batch normalisation and activation work in place, so
// maps are those that convolutions and additions write.
func costRowOf(n *blocks.Network) costRow {
	c := n.Counts()
	r := costRow{Name: n.Name, Out: hwc(n.Output()), Params: c.Params, MACs: c.MACs, WeightBytes: 4 * c.Params}
	for _, nd := range n.Nodes[1:] {
		if _, ok := nd.Op.(blocks.InPlace); !ok {
			r.MapBytes += 4 * int64(nd.Shape.Elems())
		}
	}
	return r
}

func (o costOptions) rows() ([]costRow, error) {
	nets, err := o.networks()
	if err != nil {
		return nil, err
	}
	var rows []costRow
	for _, n := range nets {
		rows = append(rows, costRowOf(n))
	}
	return rows, nil
}
