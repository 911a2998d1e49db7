package accuracy

import (
	"math"

	"nas/blocks"
)

// Params scores a network by the natural logarithm of its trainable
// parameters.
func Params(n *blocks.Network) float64 { return math.Log(float64(n.Counts().Params)) }

func init() {
	register(Proxy{Name: "params", Label: "log params", score: closed(Params), Blind: []Trait{Resolution, Activation, Dilation}})
}
