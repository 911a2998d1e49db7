package explain

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/edits"
	"nas/internal/fault"
	"nas/latency"
)

// Change is an edit of the network and what it is worth.
type Change struct {
	ID   int    `json:"id"` // its rank, from 1
	Name string `json:"name"`
	Kind string `json:"kind"`
	Text string `json:"text"`
	// Gain is the latency that it wins, predicted.
	Gain    latency.Part `json:"gain"`
	GainPct float64      `json:"gain_pct"`
	// Points are what it loses of the estimated accuracy; absent where nothing estimates them. Half is half the width
	// of the 90 % interval of the difference, 0 if it is not known.
	Points *float64 `json:"points_lost,omitempty"`
	Half   float64  `json:"points_half_width,omitempty"`
	// PerPoint is the order: ms won for each point lost, where less than leastPoints counts as that.
	PerPoint float64 `json:"ms_per_point,omitempty"`
	Unseen   string  `json:"unseen,omitempty"` // what the estimate takes no account of
	MACs     int64   `json:"macs"`             // of the edited network
	Params   int64   `json:"params"`
	// Measured is the latency that it wins, measured beside the network; absent where it was not.
	Measured *latency.Part `json:"measured_gain,omitempty"`

	edit    edits.Edit
	network *blocks.Network
}

const (
	// leastGain is the share of the latency that an edit must win to be listed.
	leastGain = 0.002
	// leastPoints is the loss that smaller ones count as, in points of per cent: two trainings of one network with
	// different seeds differ by more.
	leastPoints = 0.1
)

// rank judges the edits and puts those first that pay most: ms won for each point lost or, without an estimate, ms
// won. An edit that the estimate does not see comes behind the others. One that is a part of another edit with a
// higher rank is left out.
func (x *Explanation) rank(
	ctx context.Context, o *Options, r *latency.Predictor, before []engine.Call, found []edits.Edit,
) error {
	x.Edits = []Change{}
	var all []Change
	for _, e := range found {
		c := Change{Name: e.Name, Kind: e.Kind, Text: e.Text, edit: e}
		var err error
		if c.network, err = e.Apply(o.Network); err != nil {
			return err
		}
		after, err := o.Profile.Device.Calls(c.network)
		if err != nil {
			continue // the device cannot run it
		}
		c.Gain = r.Gain(before, after)
		c.GainPct = 100 * c.Gain.Ms / x.Ms
		if c.Gain.Ms < leastGain*x.Ms {
			continue
		}
		counts := c.network.Counts()
		c.MACs, c.Params = counts.MACs, counts.Params
		if err := x.score(ctx, o, &c); err != nil {
			return err
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b Change) int {
		scored := func(c *Change) int { return map[bool]int{true: 0, false: 1}[c.PerPoint > 0] }
		return cmp.Or(
			cmp.Compare(scored(&a), scored(&b)), -cmp.Compare(a.PerPoint, b.PerPoint), -cmp.Compare(a.Gain.Ms, b.Gain.Ms),
		)
	})
	for i := range all {
		isPart := func(c Change) bool { return c.edit.Contains(&all[i].edit) }
		if !slices.ContainsFunc(x.Edits, isPart) {
			all[i].ID = len(x.Edits) + 1
			x.Edits = append(x.Edits, all[i])
		}
	}
	return nil
}

// score estimates what an edit loses of the accuracy.
func (x *Explanation) score(ctx context.Context, o *Options, c *Change) error {
	if x.Accuracy == nil {
		return nil
	}
	c.Unseen = c.edit.Blind
	s, err := o.Estimator.Estimate(ctx, c.network)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.Unseen = fault.Text(err)
		return nil
	}
	if c.Unseen != "" {
		return nil
	}
	points := x.Accuracy.Value - s.Value
	c.Points = &points
	if x.Accuracy.between > 0 {
		c.Half = finite(1.645 * math.Hypot(x.Accuracy.between, s.Between))
	}
	least := leastPoints
	if !x.Accuracy.points {
		least = 1e-3 * max(math.Abs(x.Accuracy.Value), 1e-9)
	}
	c.PerPoint = c.Gain.Ms / max(points, least)
	return nil
}

// Apply makes the edits of ids, ranks or names, one after the other, and returns the network and what was made.
func (x *Explanation) Apply(ids []string) (*blocks.Network, []Change, error) {
	n := x.network
	var made []Change
	for _, id := range ids {
		rank, _ := strconv.Atoi(id)
		k := slices.IndexFunc(x.Edits, func(c Change) bool { return c.ID == rank || c.Name == id })
		if k < 0 {
			return nil, nil, fmt.Errorf("%q is not one of the %d edits: want a number of the list, or a name such as %s",
				id, len(x.Edits), x.exampleName())
		}
		var err error
		if n, err = x.Edits[k].edit.Apply(n); err != nil {
			return nil, nil, err
		}
		made = append(made, x.Edits[k])
	}
	return n, made, nil
}

func (x *Explanation) exampleName() string {
	if len(x.Edits) == 0 {
		return "se@all"
	}
	return x.Edits[0].Name
}
