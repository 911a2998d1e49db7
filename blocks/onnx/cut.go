package onnx

import (
	"slices"
)

// cutOperators end a network: they choose among what it computed. What stands
// before them is counted, timed and run.
var cutOperators = []string{
	"ArgMax", "ArgMin", "TopK", "NonMaxSuppression", "NonZero", "RoiAlign", "MaxRoiPool", "Hardmax", "Compress", "Unique",
}

// endBefore ends reading at an operator: its outputs have no value, and the
// activations it reads become outputs where an output needs it.
func (r *reader) endBefore(c call) {
	for i, v := range c.in {
		if v == nil || v.k != nil || v.cut != "" ||
			slices.ContainsFunc(r.frontier, func(f frontierValue) bool { return f.name == c.nodeProto.in[i] }) {
			continue
		}
		r.frontier = append(r.frontier, frontierValue{c.nodeProto.in[i], v})
	}
	why := c.op + " of " + c.label(r.at)
	for _, v := range c.in {
		if v != nil && v.cut != "" {
			why = v.cut
		}
	}
	for _, name := range c.out {
		if name != "" {
			r.values[name] = &value{cut: why}
		}
	}
}
