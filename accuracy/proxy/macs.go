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
