// Package int8drop estimates how many points of ImageNet top-1 a network loses when it is quantised to 8-bit integers
// after training. Its data are five published networks: the range is wide, and is no interval of a stated probability.
package int8drop

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/table"
)

//go:embed int8_drop.csv
var data []byte

// Drop is an estimate in points of top-1.
type Drop struct {
	Points float64 `json:"points"`
	Low    float64 `json:"low_points"`
	High   float64 `json:"high_points"`
	// Label says what the estimate rests on.
	Label string `json:"label"`
}

// spread is the factor of the range on either side. Networks of one family, fitted, differ by 1.4; of others nothing is
// known.
const spread = 4

// row is one published network.
type row struct {
	top1, channel, tensor float64 // per cent in float32, points lost; tensor NaN where unknown
}

// rows are the published networks: those whose activations are bounded by relu6 or relu, and others.
func rows() (bounded, others []row, err error) {
	t, err := table.Read("int8_drop.csv", bytes.NewReader(data))
	if err != nil {
		return nil, nil, fault.Errorf("accuracy: %w", err)
	}
	for _, r := range t.Rows {
		top1 := r.Percent("top1_float_pct")
		v := row{top1, top1 - r.Percent("top1_per_channel_pct"), top1 - r.FloatOrNaN("top1_per_tensor_pct")}
		if r.Int("bounded") == 1 {
			bounded = append(bounded, v)
		} else {
			others = append(others, v)
		}
		if err := r.Err(); err != nil {
			return nil, nil, fault.Errorf("accuracy: %w", err)
		}
	}
	return bounded, others, nil
}

// Estimate is of a network with an accuracy of top1 per cent in float32. perTensor says that all weights of a layer
// have one scale. The estimate is between 0 and top1.
//
// The logarithm of what networks of bounded activations lose falls in a line with their accuracy, fitted by least
// squares. Networks with other activations, or with gates, lose what the one published network loses.
func Estimate(n *blocks.Network, top1 float64, perTensor bool) (Drop, error) {
	bounded, others, err := rows()
	if err != nil {
		return Drop{}, err
	}
	line := fit(bounded)
	drop := line(top1)
	d := Drop{Points: drop, Low: drop / spread, High: drop * spread,
		Label: fmt.Sprintf("a line through %d published MobileNetV2, a range of a factor of %d", len(bounded), spread)}
	if perTensor {
		for _, r := range bounded {
			if ratio := r.tensor / r.channel; !math.IsNaN(ratio) {
				d.Points, d.High = drop*ratio, drop*ratio*spread
				d.Label = "one published MobileNetV2 per tensor"
			}
		}
	}
	if !isBounded(n) {
		one := others[0].channel
		if perTensor {
			one = others[0].tensor
		}
		d.Points, d.High = one, one*spread
		d.Label = "one published MobileNetV3, from what a bounded network loses to four times as much"
	}
	d.Points, d.Low, d.High = min(d.Points, top1), min(d.Low, top1), min(d.High, top1)
	return d, nil
}

// fit returns exp(a + b top1) through what is lost per channel.
func fit(list []row) func(top1 float64) float64 {
	var n, x, y, xx, xy float64
	for _, r := range list {
		l := math.Log(r.channel)
		n, x, y, xx, xy = n+1, x+r.top1, y+l, xx+r.top1*r.top1, xy+r.top1*l
	}
	b := (n*xy - x*y) / (n*xx - x*x)
	a := (y - b*x) / n
	return func(top1 float64) float64 { return math.Exp(a + b*top1) }
}

// isBounded tells whether all activations of a network are relu, relu6 or none, as in the networks of which most is
// known.
func isBounded(n *blocks.Network) bool {
	for _, nd := range n.Nodes {
		if a, ok := nd.Op.(*blocks.Activation); ok {
			switch a.Func {
			case blocks.Identity, blocks.ReLU, blocks.ReLU6:
			default:
				return false
			}
		}
	}
	return true
}
