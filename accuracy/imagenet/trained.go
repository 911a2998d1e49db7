package imagenet

import (
	"cmp"

	"nas/accuracy/benchmark"
)

const tuneRows = 1000 // rows whose marginal likelihood sets the process' hyperparameters

const tuneIterations = 50

const inducingPoints = 1300

const ceilingPct = 90 // of the link -ln(ceiling - top-1)

const fitSeed = 20

// trained is a network as the fit sees it.
type trained struct {
	id, family string
	macs       int64
	top1       float64
	recipe     string // class
	t          Features
}

// trainedOf are the networks of a benchmark. family is that of rows without one.
func trainedOf(name, family, recipe string) ([]trained, error) {
	b, err := benchmark.Open(name)
	if err != nil {
		return nil, err
	}
	rows := make([]trained, len(b.Rows))
	for i, r := range b.Rows {
		rows[i] = trained{
			id: r.ID, family: cmp.Or(r.Group, family), recipe: cmp.Or(r.Recipe, recipe),
			macs: r.MACs, top1: r.Truth, t: Read(r.Network),
		}
	}
	return rows, nil
}

func accelTrained() ([]trained, error) { return trainedOf("accel", "accel", benchmark.BaseRecipe) }

func publishedTrained() ([]trained, error) { return trainedOf("published", "", "") }
