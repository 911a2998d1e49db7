package costmodel

// commonCosts, in microseconds per thousand of each term, are those of a core of
// today's servers, which other processors share up to a factor.
var commonCosts = map[string]float64{
	"call": 0.5, "gemm_mac": 0.012, "gemm_tile": 5, "dw_mac": 0.016, "dw_row": 1, "move": 0.005, "move_l2": 0.006, "move_l3": 0.01,
	"weights": 0.02, "again": 0.02, "act_poly": 0.06, "act_exp": 0.15, "residual": 0.03, "eval": 1,
}

func commonModel() *KindModel {
	m := &KindModel{costs: make([]float64, len(termNames))}
	for j, name := range termNames {
		m.costs[j] = commonCosts[name]
	}
	return m
}

// GenericKinds are models of the kinds that networks consist of, with commonCosts.
func GenericKinds() []*KindModel {
	var kinds []*KindModel
	for _, k := range []string{
		anyKind, "conv.pointwise", "conv.vector", "conv.dense", "conv.image", "conv.grouped", "dwconv", "block", "expand_dw", "dw_project", "stem_block", "stem_dw",
		"linear", "globalavg", "scale", "scale_conv", "add", "mul", "act", "copy", "maxpool", "avgpool", "bilinear", "softmax",
	} {
		kinds = append(kinds, &KindModel{Kind: k, Costs: commonCosts, ResidualRMS: 0.3, LeaveOneOut: 0.3})
	}
	return kinds
}
