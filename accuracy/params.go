package accuracy

import (
	"math"

	"nas/blocks"
)

// Params scores a network by the natural logarithm of its trainable
// parameters.
func Params(n *blocks.Network) float64 { return math.Log(float64(n.Counts().Params)) }

func init() {
	register(proxy{name: "params", label: "log params", score: closed(Params), blind: []Trait{Resolution, Activation, Dilation}})
}
