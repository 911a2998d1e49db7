package run

import (
	"context"
	"fmt"

	"nas/accuracy"
	"nas/blocks"
	"nas/latency"
	"nas/search"
	"nas/space"
)

// The keys of a trial's values: objectives by these names, everything else that
// is known of a network among the parts.
const (
	keyLatency     = "latency_ms" // "latency_ms@pixel7" where the config names several profiles
	keyAccuracy    = "accuracy"
	keyParams      = "params"
	keyMACs        = "macs"
	keyActivations = "peak_activation_bytes"
	keyWeights     = "weight_bytes"
)

// device is a latency axis: a profile under the name that the config gives it,
// "" for the only one.
type device struct {
	name      string
	profile   *latency.Profile
	predictor *latency.Predictor
	at        int // among the devices
	memory    partMemory
}

func (d *device) key() string {
	if d.name == "" {
		return keyLatency
	}
	return keyLatency + "@" + d.name
}

// evaluator judges networks: counts, then predicted latency, then the
// constraints on these, and only for what holds them the accuracy score.
type evaluator struct {
	objectives map[string]bool // keys that are axes of the front
	devices    []*device
	accuracy   accuracy.Estimator
	limits     limits
	lowerer    *space.Lowerer
	memory     *memory // scores of earlier runs; may be nil
}

// Evaluate implements [search.Evaluator]. It is safe for concurrent use.
func (e *evaluator) Evaluate(ctx context.Context, c search.Candidate) (search.Result, error) {
	x, err := e.lower(&c.Arch, c.ArchID)
	if err != nil {
		return search.Result{}, err
	}
	return e.judgeAs(ctx, x, c.ArchID)
}

// known returns what needs no score, for searchers that ask for it: the values and
// the violation.
func (e *evaluator) known(a space.Arch) (values map[string]float64, violation float64) {
	r := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
	x, err := e.lower(&a, "")
	if err == nil {
		err = e.cheap(&r, x)
	}
	if err != nil {
		return nil, 1 // its trial will say why
	}
	e.limits.apply(&r, e.value, false)
	return r.Objectives, r.Violation
}

// lower returns the network of an arch, in pieces where that is possible.
func (e *evaluator) lower(a *space.Arch, name string) (lowered, error) {
	if pieces, ok := e.lowerer.Lower(make([]*space.LoweredBlock, 0, 32), a); ok {
		return inPieces{a, name, pieces}, nil
	}
	net, err := a.Network()
	return whole{net}, err
}

// judge is Evaluate for a network of any origin.
func (e *evaluator) judge(ctx context.Context, net *blocks.Network) (search.Result, error) {
	return e.judgeAs(ctx, whole{net}, "")
}

func (e *evaluator) judgeAs(ctx context.Context, x lowered, archID string) (search.Result, error) {
	r := search.Result{Objectives: make(map[string]float64, len(e.objectives)), Parts: make(map[string]float64, 8)}
	if err := e.cheap(&r, x); err != nil {
		return r, err
	}
	e.limits.apply(&r, e.value, false)
	if r.Violation > 0 {
		r.Screened = true
		return r, nil
	}
	s, err := e.score(ctx, x, archID)
	if err != nil {
		return r, err
	}
	e.set(&r, keyAccuracy, s.Value)
	if s.Low < s.High {
		r.Parts[keyAccuracy+"_low"], r.Parts[keyAccuracy+"_high"] = s.Low, s.High
	}
	if s.Between > 0 {
		r.Parts[keyAccuracy+betweenSuffix] = s.Between
	}
	for k, v := range s.Parts {
		r.Parts[k] = v
	}
	warn(&r, warnsAccuracy, s.Warnings)
	e.limits.apply(&r, e.value, true)
	return r, nil
}

// cheap fills in what needs no run of the network: counts and predictions.
func (e *evaluator) cheap(r *search.Result, x lowered) error {
	n := x.counts()
	bytes := float64(e.limits.bytesPerValue)
	e.set(r, keyParams, float64(n.Params))
	e.set(r, keyMACs, float64(n.MACs))
	e.set(r, keyActivations, float64(n.PeakActivations)*bytes)
	e.set(r, keyWeights, float64(n.Params)*bytes)
	for _, d := range e.devices {
		p, err := x.predict(d)
		if err != nil {
			return fmt.Errorf("latency: %w", err)
		}
		e.set(r, d.key(), p.LatencyMs)
		r.Parts[d.key()+"_low"], r.Parts[d.key()+"_high"] = p.LowMs, p.HighMs
		warn(r, warnsLatency, p.Warnings)
	}
	return nil
}

// What a trial's warnings speak of stands in front of each.
const (
	warnsLatency  = "latency: "
	warnsAccuracy = "accuracy: "
)

func warn(r *search.Result, of string, warnings []string) {
	for _, w := range warnings {
		r.Warnings = append(r.Warnings, of+w)
	}
}

func (e *evaluator) set(r *search.Result, key string, v float64) {
	if e.objectives[key] {
		r.Objectives[key] = v
	} else {
		r.Parts[key] = v
	}
}

// value looks a key up where set has put it.
func (e *evaluator) value(r *search.Result, key string) float64 {
	if e.objectives[key] {
		return r.Objectives[key]
	}
	return r.Parts[key]
}
