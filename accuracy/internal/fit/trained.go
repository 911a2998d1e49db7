package fit

import (
	"cmp"
	"math"

	"nas/accuracy/benchmark"
	"nas/accuracy/features"
)

// ceilingPct is the accuracy that no network reaches.
const ceilingPct = 90

// linkOf is the scale on which accuracies are modelled: -ln(ceiling - top-1).
func linkOf(top1 float64) float64 { return -math.Log(ceilingPct - top1) }

// fitSeed is the seed of what the fit draws at random.
const fitSeed = 20

// trained is a network of a benchmark as the fit sees it.
type trained struct {
	id, family string
	macs       int64
	top1       float64
	recipe     string // class
	features   features.Network
}

// heldOut is an estimate of a network by a model that had not seen it.
type heldOut struct {
	trained
	estimate  float64
	low, high float64 // bounds of the interval, from the same networks as the model
}

// families are the groups of published networks that are left out in turn.
var families = []string{"v1", "v2", "v3", "mnasnet", "efficientnet",
	"efficientnet_lite", "condconv", "tinynet", "fbnet", "spnasnet", "proxylessnas", "ofa"}

func accelTrained() ([]trained, error)     { return trainedOf("accel", "accel", benchmark.BaseRecipe) }
func publishedTrained() ([]trained, error) { return trainedOf("published", "", "") }

// trainedOf reads the networks of a benchmark. family and recipe are those of rows
// that do not name theirs.
func trainedOf(name, family, recipe string) ([]trained, error) {
	b, err := benchmark.Open(name)
	if err != nil {
		return nil, err
	}
	rows := make([]trained, len(b.Rows))
	for i, r := range b.Rows {
		rows[i] = trained{
			id: r.ID, family: cmp.Or(r.Group, family), recipe: cmp.Or(r.Recipe, recipe),
			macs: r.MACs, top1: r.Truth, features: features.Of(r.Network),
		}
	}
	return rows, nil
}
