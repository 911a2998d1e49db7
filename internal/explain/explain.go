// Package explain says where the latency of a network goes, what bounds it, and which edits of the network would pay.
package explain

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"nas/accuracy"
	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/edits"
	"nas/internal/fault"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/timing"
)

// Options say what to explain and how.
type Options struct {
	work.Options
	Name    string
	Network *blocks.Network
	Profile *latency.Profile
	// Estimator scores the edits; nil: they are not scored.
	Estimator accuracy.Estimator
	// Calibrate is how long the network and its edits are timed on the device first, for the prediction; 0: not.
	Calibrate time.Duration
	// Measure is how many of the edits are measured beside the network, from the first on; 0: none.
	Measure int
	// Runtime is the device of the profile, for Calibrate and Measure; nil without them.
	Runtime timing.Runtime
}

// Explanation is where the latency of a network goes, and what would make it less.
type Explanation struct {
	Name   string `json:"name"`
	Device string `json:"device"`
	latency.Part
	Measured   *latency.Part `json:"measured,omitempty"` // the latency, where it was measured
	Accuracy   *Accuracy     `json:"accuracy,omitempty"`
	NoAccuracy string        `json:"no_accuracy,omitempty"` // why there is none
	Roof       Roof          `json:"roof"`
	Bounds     []Bound       `json:"bounds"`
	Blocks     []Block       `json:"blocks"`
	Operators  []Operator    `json:"operators"`
	Calls      []Call        `json:"calls"`
	Edits      []Change      `json:"edits"` // those that pay most first
	Warnings   []string      `json:"warnings"`

	network *blocks.Network
	kernels latency.Estimate
}

// Accuracy is an estimated accuracy.
type Accuracy struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"` // 90 % interval; 0 and 0 where there is none
	High  float64 `json:"high"`
	Label string  `json:"label"`

	between float64
	points  bool
}

// Block is a block of the network, the stem or the head.
type Block struct {
	Place string `json:"place"` // "2.1", "stem", "head"
	latency.Part
	SharePct float64 `json:"share_pct"`
	MACs     int64   `json:"macs"`
	Bound    string  `json:"bound"` // of most of its time
}

// Operator is a kind of kernel with its window.
type Operator struct {
	Name  string `json:"name"` // "conv 1x1"
	Count int    `json:"count"`
	latency.Part
	SharePct float64 `json:"share_pct"`
	MACs     int64   `json:"macs"`
	Bound    string  `json:"bound"`
	// ReachedPct is what share of the roof above them its calls reach, weighted by their time.
	ReachedPct float64 `json:"reached_pct"`
}

// Explain explains a network.
func Explain(ctx context.Context, o Options) (*Explanation, error) {
	found := edits.Find(o.Network)
	warning := ""
	if o.Calibrate > 0 {
		var err error
		if warning, err = o.calibrate(ctx, found); err != nil {
			return nil, err
		}
	}
	r, err := o.Profile.Predictor()
	if err != nil {
		return nil, err
	}
	calls, err := o.Profile.Device.Calls(o.Network)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Name: o.Name, Device: o.Profile.Device.String(), network: o.Network, kernels: r.PredictCalls(calls)}
	x.Part = latency.Part{Ms: x.kernels.LatencyMs, LowMs: x.kernels.LowMs, HighMs: x.kernels.HighMs}
	x.Warnings = x.kernels.Warnings
	if warning != "" {
		x.Warnings = append(x.Warnings, warning)
	}
	x.Roof = roofOf(o.Profile, r, calls)
	x.divide(r, calls, &o.Profile.Device.Target)
	if err := x.judge(ctx, &o, o.Network); err != nil {
		return nil, err
	}
	if err := x.rank(ctx, &o, r, calls, found); err != nil {
		return nil, err
	}
	if o.Measure > 0 {
		err = x.measure(ctx, &o)
	}
	return x, err
}

// judge estimates the accuracy of the network.
func (x *Explanation) judge(ctx context.Context, o *Options, n *blocks.Network) error {
	if o.Estimator == nil {
		x.NoAccuracy = "no estimate of accuracy was asked for"
		return nil
	}
	s, err := o.Estimator.Estimate(ctx, n)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		x.NoAccuracy = fault.Text(err)
		return nil
	}
	info := o.Estimator.Info()
	x.Accuracy = &Accuracy{Value: s.Value, Label: info.Label, between: s.Between, points: info.Unit == "pct"}
	if s.Low < s.High {
		x.Accuracy.Low, x.Accuracy.High = s.Low, s.High
	}
	for _, w := range s.Warnings {
		x.Warnings = append(x.Warnings, "accuracy: "+w)
	}
	return nil
}

// divide divides the latency among blocks, operators and what bounds the calls.
func (x *Explanation) divide(r *latency.Predictor, calls []engine.Call, t *engine.Target) {
	each := make([]int, len(calls))
	for i := range each {
		each[i] = i
	}
	bounds := make([]string, len(calls))
	for i, p := range r.Parts(calls, each, len(calls)) {
		c := newCall(&calls[i], p, t)
		c.Bound, c.ReachedPct = x.Roof.bound(&c)
		c.Place = x.place(calls[i].Stage, calls[i].Block)
		x.Calls = append(x.Calls, c)
		bounds[i] = c.Bound
	}
	for _, g := range x.groups(r, calls, func(i int) string { return x.Calls[i].Place }) {
		x.Blocks = append(x.Blocks, Block{g.name, g.Part, g.share, g.macs, g.bound})
	}
	for _, g := range x.groups(r, calls, func(i int) string { return operatorName(&calls[i].Unit) }) {
		x.Operators = append(x.Operators, Operator{g.name, g.count, g.Part, g.share, g.macs, g.bound, g.reached})
	}
	slices.SortStableFunc(x.Operators, func(a, b Operator) int { return byTime(a.Part, b.Part) })
	for _, g := range x.groups(r, calls, func(i int) string { return bounds[i] }) {
		x.Bounds = append(x.Bounds, Bound{g.name, g.Part, g.share, g.count})
	}
	slices.SortStableFunc(x.Bounds, func(a, b Bound) int { return byTime(a.Part, b.Part) })
}

func byTime(a, b latency.Part) int {
	switch {
	case a.Ms > b.Ms:
		return -1
	case a.Ms < b.Ms:
		return 1
	}
	return 0
}

// group is the part of the calls that have one name.
type group struct {
	name string
	latency.Part
	share float64
	count int
	macs  int64
	bound string

	reached float64 // of the roof, in per cent
}

// groups divides the latency among the names of the calls, in the order of their first calls.
func (x *Explanation) groups(r *latency.Predictor, calls []engine.Call, name func(i int) string) []group {
	at := map[string]int{}
	var gs []group
	in := make([]int, len(calls))
	var bound []map[string]float64
	for i := range calls {
		k, ok := at[name(i)]
		if !ok {
			k = len(gs)
			at[name(i)] = k
			gs, bound = append(gs, group{name: name(i)}), append(bound, map[string]float64{})
		}
		in[i] = k
		gs[k].count++
		gs[k].macs += calls[i].Unit.MACs()
		c := &x.Calls[i]
		bound[k][c.Bound] += c.Ms
		gs[k].reached += c.ReachedPct * c.Ms
		if b := bound[k]; gs[k].bound == "" || b[c.Bound] > b[gs[k].bound] {
			gs[k].bound = c.Bound
		}
	}
	for k, p := range r.Parts(calls, in, len(gs)) {
		gs[k].Part = p
		gs[k].reached /= max(p.Ms, 1e-12)
		gs[k].share = 100 * p.Ms / max(x.Ms, 1e-12)
	}
	return gs
}

// place names a block: "2.1", "stem", "head".
func (x *Explanation) place(stage, block int) string {
	last := 0
	for i := range x.network.Nodes {
		last = max(last, x.network.Nodes[i].Stage)
	}
	switch {
	case last == 0:
		return "all"
	case stage == 0:
		return "stem"
	case block > 0:
		return fmt.Sprintf("%d.%d", stage, block)
	case stage == last:
		return "head"
	}
	return strconv.Itoa(stage)
}

// operatorName is the routine of a unit with its window: "conv 1x1", "dwconv 5x5", "scale".
func operatorName(u *engine.Unit) string {
	if u.Kernel[0] == 0 {
		return u.Name
	}
	return fmt.Sprintf("%s %dx%d", u.Name, u.Kernel[0], u.Kernel[1])
}

// finite is v, or 0 where v is no number.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
