package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nas/blocks"
	"nas/latency"
)

// blockIndex is the position of a node in its network.
type blockIndex struct{ stage, block int }

// NetworkDiagram draws a network block by block, to the scale of its predicted
// latency. device says whose latency it is.
func NetworkDiagram(n *blocks.Network, e latency.Estimate, device string) Diagram {
	d := newDiagram(n, latencyOf(e))
	d.Unit = "ms"
	d.Subtitle = fmt.Sprintf("%s ms predicted, 90 %% interval %s to %s: %s",
		digits3(e.LatencyMs), digits3(e.LowMs), digits3(e.HighMs), device)
	d.Notes = append(d.Notes, "The column is to the scale of predicted latency, from the image on top to the output; "+
		"colours within a block are kinds of work.")
	return d
}

// CountsDiagram draws a network to the scale of its multiply-accumulates, for
// want of a latency profile.
func CountsDiagram(n *blocks.Network) Diagram {
	parts := map[blockIndex]map[string]float64{}
	total := int64(0)
	for _, l := range n.Layers() {
		at := blockIndex{l.Stage, l.Block}
		if parts[at] == nil {
			parts[at] = map[string]float64{}
		}
		if l.MACs > 0 {
			parts[at][kindOfLayer(l)] += float64(l.MACs) / 1e6
		}
		total += l.MACs
	}
	d := newDiagram(n, parts)
	d.Unit = "M"
	d.Subtitle = fmt.Sprintf("%s M multiply-accumulates", digits3(float64(total)/1e6))
	d.Notes = append(d.Notes, "The column is to the scale of multiply-accumulates, because there is no latency profile; "+
		"colours within a block are kinds of work.")
	return d
}

// latencyOf divides an estimate by block and kind of work.
func latencyOf(e latency.Estimate) map[blockIndex]map[string]float64 {
	parts := map[blockIndex]map[string]float64{}
	for _, k := range e.Kernels {
		for _, p := range k.Places {
			at := blockIndex{p[0], p[1]}
			if parts[at] == nil {
				parts[at] = map[string]float64{}
			}
			parts[at][KindOfWork(k)] += k.Ms / float64(k.Count)
		}
	}
	return parts
}

// newDiagram makes a row of each block, with its share of the cost.
func newDiagram(n *blocks.Network, parts map[blockIndex]map[string]float64) Diagram {
	d := Diagram{Title: n.Name}
	var order []blockIndex
	layers := map[blockIndex][]blocks.Layer{}
	shapes := map[blockIndex]blocks.Shape{} // what leaves a block
	for _, l := range n.Layers() {
		at := blockIndex{l.Stage, l.Block}
		if layers[at] == nil {
			order = append(order, at)
		}
		layers[at] = append(layers[at], l)
		shapes[at] = l.Out
	}
	acts := map[blockIndex][]string{}
	for _, nd := range n.Nodes {
		if a, ok := nd.Op.(*blocks.Activation); ok && nd.Shape.H*nd.Shape.W > 1 { // not of a gate
			at := blockIndex{nd.Stage, nd.Block}
			if name := a.Func.String(); !slices.Contains(acts[at], name) {
				acts[at] = append(acts[at], name)
			}
		}
	}
	for i, at := range order {
		r := DiagramRow{
			Name: fmt.Sprintf("%d.%d", at.stage, at.block), Shape: shapes[at].String(), Acts: strings.Join(acts[at], ", "),
		}
		switch {
		case len(order) == 1:
			r.Name = "all"
		case at.stage == 0:
			r.Name = "stem"
		case at.block == 0 && i == len(order)-1:
			r.Name = "head"
		case at.block == 0:
			r.Name = fmt.Sprint(at.stage)
		}
		r.Ops, r.Residual = opsOf(layers[at])
		r.Branched = slices.ContainsFunc(layers[at], func(l blocks.Layer) bool { return l.Op == "concat" })
		for kind, v := range parts[at] {
			r.Parts = append(r.Parts, Part{kind, v})
		}
		slices.SortFunc(r.Parts, func(a, b Part) int { return cmp.Compare(a.Kind, b.Kind) })
		d.Rows = append(d.Rows, r)
	}
	return d
}

// opsOf names the ops of a block in the order in which they run. Batch
// normalisation and activations run with the op before them and are left out;
// a squeeze-and-excite gate is one op.
func opsOf(layers []blocks.Layer) (ops []DiagramOp, residual bool) {
	for i := 0; i < len(layers); i++ {
		l := layers[i]
		switch {
		case l.Op == "bn" || l.Op == "act" || l.Op == "input":
		case l.Op == "add":
			residual = true
		case l.Op == "global_pool":
			if end, width := gate(layers[i:]); end > 0 {
				ops = append(ops, DiagramOp{fmt.Sprintf("SE %d", width), gates})
				i += end
				break
			}
			ops = append(ops, DiagramOp{"pool", gates})
		default:
			ops = append(ops, DiagramOp{nameOfLayer(l), kindOfLayer(l)})
		}
	}
	return ops, residual
}

// gate recognises a squeeze-and-excite gate that begins with a pooling at the first of
// the layers. It returns the index of the multiplication that ends the gate and the
// channels within the gate, or 0 if no gate begins there.
func gate(layers []blocks.Layer) (end, width int) {
	for i, l := range layers[1:] {
		switch {
		case l.Op == "mul":
			return i + 1, width
		case l.Out.H*l.Out.W != 1:
			return 0, 0
		case width == 0 && l.Op == "conv":
			width = l.Out.C
		}
	}
	return 0, 0
}

func nameOfLayer(l blocks.Layer) string {
	switch l.Op {
	case "conv":
		s := fmt.Sprintf("%dx%d", l.Kernel[0], l.Kernel[1])
		if depthwise(l) {
			s = "dw " + s
		} else if l.Groups > 1 {
			s += fmt.Sprintf(" in %d groups", l.Groups)
		}
		if l.Stride[0] > 1 {
			s += fmt.Sprintf(" /%d", l.Stride[0])
		}
		if l.Dilation[0] > 1 {
			s += fmt.Sprintf(" dilated %d", l.Dilation[0])
		}
		if depthwise(l) {
			return s
		}
		return fmt.Sprintf("%s, %d", s, l.Out.C)
	case "linear":
		return fmt.Sprintf("linear, %d", l.Out.C)
	}
	return strings.ReplaceAll(l.Op, "_", " ")
}

func depthwise(l blocks.Layer) bool { return l.Groups > 1 && l.Groups == l.In.C }

// kindOfLayer is the kind of work of a layer, as [KindOfWork] is that of a kernel.
func kindOfLayer(l blocks.Layer) string {
	switch {
	case l.Op == "linear", strings.Contains(l.Op, "pool"), l.Op == "mul":
		return gates
	case l.Op != "conv" && l.Op != "cond_conv":
		return "other"
	case depthwise(l):
		return "depthwise"
	case l.In.H*l.In.W == 1:
		return gates
	case l.Kernel == [2]int{1, 1}:
		return "pointwise"
	}
	return "convolution"
}
