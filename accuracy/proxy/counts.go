package proxy

import (
	"math"

	"nas/blocks"
)

// logMACs scores a network by the natural logarithm of its multiply-accumulates:
// the baseline that every proxy has to beat at equal cost, where it is worth
// nothing by construction.
func logMACs(n *blocks.Network) float64 { return math.Log(float64(n.Counts().MACs)) }

func init() {
	register(Proxy{Name: "macs", Label: "log MACs", compute: closed(logMACs), Blind: []Trait{Activation, Dilation}})
}

// logParams scores a network by the natural logarithm of its trainable
// parameters.
func logParams(n *blocks.Network) float64 { return math.Log(float64(n.Counts().Params)) }

func init() {
	register(Proxy{Name: "params", Label: "log params", compute: closed(logParams),
		Blind: []Trait{Resolution, Activation, Dilation}})
}
