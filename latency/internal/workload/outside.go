package workload

import (
	"strings"

	"nas/blocks/engine"
)

// price is the work of a unit of an op from outside for each value of the larger of its
// maps: exp as if so many went through an exponential, plain as if so many went through a
// unit without a kernel, at a nanosecond a piece. Measured on an AMD EPYC of 2024; a unit
// that is not listed only moves its values.
type price struct{ exp, plain float64 }

// prices by name, or by what stands before the function.
var prices = map[string]price{
	"layernorm":          {plain: 1.4},
	"groupnorm":          {exp: 2},
	"log_softmax":        {exp: 1, plain: 1},
	"lrn":                {plain: 8},
	"fake_quant":         {exp: 1},
	"unary.gelu":         {exp: 3},
	"unary.erf":          {exp: 3},
	"unary.tanh":         {exp: 3},
	"unary.leaky_relu":   {},
	"unary.at_least":     {},
	"unary.at_most":      {},
	"unary.clip":         {},
	"unary":              {plain: 3},
	"binary.add":         {},
	"binary.mul":         {},
	"binary.pow":         {plain: 10},
	"binary":             {plain: 1},
	"reduce":             {plain: 0.7},
	"channel_pool":       {plain: 0.7},
	"rearrange.values":   {plain: 0.7},
	"select":             {plain: 0.7},
	"interpolate.linear": {exp: 4},
	"interpolate.cubic":  {exp: 16},
}

// priceOf returns the price of a unit; 0 for one that is not in prices.
func priceOf(u *engine.Unit) price {
	if p, ok := prices[u.Name]; ok {
		return p
	}
	kind, _, _ := strings.Cut(u.Name, ".")
	return prices[kind]
}
