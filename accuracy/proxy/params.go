package proxy

import (
	"math"

	"nas/blocks"
)

// logParams scores a network by the natural logarithm of its trainable
// parameters.
func logParams(n *blocks.Network) float64 { return math.Log(float64(n.Counts().Params)) }

func init() {
	register(Proxy{Name: "params", Label: "log params", compute: closed(logParams),
		Blind: []Trait{Resolution, Activation, Dilation}})
}
