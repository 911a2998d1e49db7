package costmodel

import (
	"nas/blocks"
	"nas/blocks/engine"
)

// component is a piece of a unit.
type component struct {
	kind string
	unit engine.Unit
}

// componentsOf splits a block of a table into its three convolutions; other units are
// their only part.
func componentsOf(u *engine.Unit) []component {
	if u.Name != "block" {
		return []component{{KindOf(u), *u}}
	}
	one := [2]int{1, 1}
	mid := blocks.Shape{H: u.In.H, W: u.In.W, C: u.Mid}
	after := blocks.Shape{H: u.Out.H, W: u.Out.W, C: u.Mid}
	return []component{
		{"block.expand", engine.Unit{Name: "conv", In: u.In, Out: mid, Kernel: one, Stride: one, Dilation: one, Groups: u.Groups, Act: u.MidAct, Batch: u.Batch}},
		{"block.depthwise", engine.Unit{Name: "dwconv", In: mid, Out: after, Kernel: u.Kernel, Stride: u.Stride, Dilation: u.Dilation, Pad: u.Pad,
			Groups: u.Mid, Act: u.DWAct, Batch: u.Batch}},
		{"block.project", engine.Unit{Name: "conv", In: after, Out: u.Out, Kernel: one, Stride: one, Dilation: one, Groups: u.Groups, Act: u.Act,
			Residual: u.Residual, Batch: u.Batch}},
	}
}

// blockComponents are the kinds that blocks of tables consist of.
var blockComponents = []string{"block.expand", "block.depthwise", "block.project"}
