package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/latency/native"
	"nas/latency/timing"
)

// mostGroups is the default number of groups of the grouped convolution, if it divides
// the channels; else it is the next smaller number that does.
const mostGroups = 4

func newCost(a *app) *cobra.Command {
	var in string
	var o costOptions
	cmd := &cobra.Command{
		Use:   "cost --in HxWxC --out C --kernel K",
		Short: "Compare standard, grouped and separable convolution",
		Long: `Cost compares ways to compute one layer: a standard convolution, one in groups, a
depthwise-separable one with its two halves, and with --expand an inverted residual;
each with batch normalisation and ReLU6.

Bytes moved are what each convolution reads and writes, weights included, 4 a value:
the least that a machine without a cache would move. FLOPs are 2 x MACs. The time is
measured on this machine, one thread. It is not proportional to the MACs, because a
depthwise convolution moves more bytes for each MAC.`,
		Example: `  nas cost --in 56x56x128 --out 256 --kernel 3
  nas cost --in 14x14x96 --out 96 --kernel 5 --expand 4 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := fmt.Sscanf(in, "%dx%dx%d", &o.in.H, &o.in.W, &o.in.C); err != nil || o.in.String() != in ||
				min(o.in.H, o.in.W, o.in.C) < 1 {
				return usagef("--in %q: want height x width x channels, such as 56x56x64", in)
			}
			rows, err := o.rows()
			if err != nil {
				return usage(err)
			}
			view := costView{In: hwc(o.in), Ratio: 1/float64(o.out) + 1/float64(o.kernel*o.kernel), Layers: rows}
			if o.measure {
				if view.Device, err = o.time(cmd.Context(), rows); err != nil {
					return err
				}
			}
			if a.json {
				return a.writeJSON(view)
			}
			a.printCost(&o, &view)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&in, "in", "", "the input, `HxWxC`")
	f.IntVar(&o.out, "out", 0, "output channels `C`")
	f.IntVar(&o.kernel, "kernel", 3, "kernel size `K`")
	f.IntVar(&o.stride, "stride", 1, "stride")
	f.IntVar(&o.dilation, "dilation", 1, "dilation")
	f.IntVar(&o.groups, "groups", 0, fmt.Sprintf("groups of the grouped convolution (default: at most %d)", mostGroups))
	f.Float64Var(&o.expand, "expand", 0, "expansion ratio of an inverted residual; 0 means none")
	f.BoolVar(&o.measure, "measure", true, "measure the time of each")
	a.jsonFlag(cmd)
	return cmd
}

type costOptions struct {
	in                                    blocks.Shape
	out, kernel, stride, dilation, groups int
	expand                                float64
	measure                               bool
}

type costView struct {
	In     [3]int    `json:"in"`
	Ratio  float64   `json:"ratio"` // 1/C_out + 1/K^2
	Device string    `json:"device,omitempty"`
	Layers []costRow `json:"layers"`
}

type costRow struct {
	Name         string  `json:"name"`
	Out          [3]int  `json:"out"`
	Params       int64   `json:"params"`
	MACs         int64   `json:"macs"`
	BytesMoved   int64   `json:"bytes_moved"`
	FLOPsPerByte float64 `json:"flops_per_byte"`
	MedianMs     float64 `json:"median_ms,omitempty"`

	net *blocks.Network
}

// networks builds the alternatives, each one layer of the table. The two halves of the
// separable convolution follow it.
func (o costOptions) networks() ([]*blocks.Network, error) {
	const most = 10_000 // of what counts pixels: no image has more sense
	switch {
	case o.out < 1:
		return nil, fmt.Errorf("--out %d: want at least 1 channel", o.out)
	case o.kernel < 1 || o.kernel > most:
		return nil, fmt.Errorf("--kernel %d: want 1 to %d", o.kernel, most)
	case o.stride < 1 || o.stride > most:
		return nil, fmt.Errorf("--stride %d: want 1 to %d", o.stride, most)
	case o.dilation < 1 || o.dilation > most:
		return nil, fmt.Errorf("--dilation %d: want 1 to %d", o.dilation, most)
	case !(o.expand >= 0 && o.expand <= 64):
		return nil, fmt.Errorf("--expand %v: want 0 to 64", o.expand)
	}
	groups := o.groups
	for g := mostGroups; groups == 0; g-- { // not asked for: the most that divide the channels
		if o.in.C%g == 0 && o.out%g == 0 {
			groups = g
		}
	}
	conv := blocks.ConvBNAct{Out: o.out, Kernel: o.kernel, Stride: o.stride, Dilation: o.dilation, Act: blocks.ReLU6}
	grouped, depthwise := conv, conv
	grouped.Groups = groups
	depthwise.Groups, depthwise.Out = blocks.Depthwise, o.in.C
	small := blocks.Shape{H: (o.in.H + o.stride - 1) / o.stride, W: (o.in.W + o.stride - 1) / o.stride, C: o.in.C}
	list := []struct {
		name  string
		in    blocks.Shape
		block blocks.Block
	}{
		{"standard", o.in, conv},
		{fmt.Sprintf("grouped, %d groups", groups), o.in, grouped},
		{"separable", o.in, blocks.DepthwiseSeparable{Out: o.out, Kernel: o.kernel, Stride: o.stride, Dilation: o.dilation, Act: blocks.ReLU6}},
		{"  its depthwise half", o.in, depthwise},
		{"  its pointwise half", small, blocks.ConvBNAct{Out: o.out, Act: blocks.ReLU6}},
	}
	if o.expand > 0 {
		hidden := blocks.MakeDivisible(float64(o.in.C)*o.expand, 8)
		list = append(list, list[0])
		l := &list[len(list)-1]
		l.name = fmt.Sprintf("inverted residual, %d hidden", hidden)
		l.block = blocks.InvertedResidual{
			Out: o.out, Expanded: hidden, Kernel: o.kernel, Stride: o.stride, Dilation: o.dilation, Act: blocks.ReLU6,
		}
	}
	var nets []*blocks.Network
	for _, l := range list {
		w := blocks.NewBuilder(l.name, l.in)
		l.block.Build(w, w.Input())
		n, err := w.Network()
		if err != nil {
			return nil, err
		}
		nets = append(nets, n)
	}
	return nets, nil
}

// costRowOf counts a layer. Batch normalisation and activation work in place and
// move nothing of their own.
func costRowOf(n *blocks.Network) costRow {
	c := n.Counts()
	r := costRow{Name: n.Name, Out: hwc(n.Output()), Params: c.Params, MACs: c.MACs, BytesMoved: 4 * c.Params, net: n}
	for i, nd := range n.Nodes[1:] {
		if _, ok := nd.Op.(blocks.InPlace); ok {
			continue
		}
		r.BytesMoved += 4 * int64(nd.Shape.Elems())
		for _, s := range n.InShapes(i + 1) {
			r.BytesMoved += 4 * int64(s.Elems())
		}
	}
	r.FLOPsPerByte = 2 * float64(r.MACs) / float64(r.BytesMoved)
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

// time measures each layer and names the device.
func (o costOptions) time(ctx context.Context, rows []costRow) (string, error) {
	rt := native.New(1)
	for i := range rows {
		s, err := timing.Measure(ctx, rows[i].net, rt, timing.MeasureOptions{Budget: 300 * time.Millisecond})
		if err != nil {
			return "", err
		}
		rows[i].MedianMs = s.MedianMs
	}
	return rt.Device().String(), nil
}

func (a *app) printCost(o *costOptions, v *costView) {
	t := table{head: []string{"layer", "out", "params", "MACs", "of standard", "bytes moved", "FLOPs/byte"}}
	if v.Device != "" {
		t.head = append(t.head, "ms", "of standard")
	}
	first := v.Layers[0]
	for _, r := range v.Layers {
		cells := []any{r.Name, shapeOf(r.Out), r.Params, r.MACs,
			fmt.Sprintf("%.1f %%", 100*float64(r.MACs)/float64(first.MACs)),
			r.BytesMoved, fmt.Sprintf("%.1f", r.FLOPsPerByte)}
		if v.Device != "" {
			cells = append(cells, ms(r.MedianMs), fmt.Sprintf("%.1f %%", 100*r.MedianMs/first.MedianMs))
		}
		t.add(cells...)
	}
	t.write(a.stdout)
	a.printf("\nseparable / standard MACs = 1/C_out + 1/K^2 = 1/%d + 1/%d = %.1f %%\n",
		o.out, o.kernel*o.kernel, 100*v.Ratio)
	if v.Device != "" {
		a.printf("time: %s\n", v.Device)
	}
}
