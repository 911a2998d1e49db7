package costmodel

import (
	"slices"

	"nas/blocks/engine"
	"nas/latency/internal/workload"
)

// vocabulary is the terms that the kernels of a runtime are described in.
type vocabulary struct {
	names   []string
	amounts func(dst []float64, u *engine.Unit, t *engine.Target) []float64
}

var vocabularies = map[string]*vocabulary{
	"":             {workload.TermNames[:], workload.Terms},
	XNNPACKFloat:   xnnpackVocabulary(XNNPACKFloat),
	XNNPACKInt8:    xnnpackVocabulary(XNNPACKInt8),
	XNNPACKInt8Dot: xnnpackVocabulary(XNNPACKInt8Dot),
}

func xnnpackVocabulary(runtime string) *vocabulary {
	k := xnnpackTiles[runtime]
	return &vocabulary{xnnpackNames[:], func(dst []float64, u *engine.Unit, t *engine.Target) []float64 {
		return xnnpackTerms(dst, u, t, k)
	}}
}

// commonCosts, in microseconds per thousand of each term, are those of a core of a server of
// 2020 to 2025. Other processors share their proportions, up to a common factor. They are
// the prior of all kinds and the start of fits to end-to-end latencies.
var commonCosts = map[string]float64{
	"call": 0.5, "gemm_mac": 0.012, "gemm_tile": 5, "dw_mac": 0.016, "dw_row": 1,
	"move": 0.005, "move_l2": 0.006, "move_l3": 0.01, "weights": 0.02, "again": 0.02,
	"act_poly": 0.06, "act_exp": 0.15, "residual": 0.03, "eval": 1,
}

// maxTerms bounds the number of terms of a vocabulary, for buffers.
const maxTerms = max(workload.NumTerms, numXNNPACK)

// words returns the vocabulary of a model.
func (m *KindModel) words() *vocabulary { return vocabularies[m.Runtime] }

// known reports whether this program knows the runtime and all costs of a model from a file.
func (m *KindModel) known() bool {
	v := m.words()
	if v == nil {
		return false
	}
	for name := range m.Costs {
		if !slices.Contains(v.names, name) {
			return false
		}
	}
	return true
}

// named returns costs by the names of their terms, without those that are 0.
func (v *vocabulary) named(costs []float64) map[string]float64 {
	out := make(map[string]float64, len(costs))
	for j, c := range costs {
		if c > 0 {
			out[v.names[j]] = c
		}
	}
	return out
}

// costs is the inverse of named; names that are not those of terms are ignored.
func (v *vocabulary) costs(named map[string]float64) []float64 {
	out := make([]float64, len(v.names))
	for j, name := range v.names {
		out[j] = named[name]
	}
	return out
}

// alone is the time of a unit by the costs of a model alone, in ms.
func (m *KindModel) alone(u *engine.Unit, t *engine.Target) float64 {
	var buf [maxTerms]float64
	return m.analytic(m.words().amounts(buf[:0], u, t))
}
