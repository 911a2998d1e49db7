package evaluator

import (
	"context"
	"math"
	"sync/atomic"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/profiles"
	"nas/internal/rungs"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// Evaluator judges networks: counts first, then predicted latency, then the constraints on these,
// and only for what holds them the accuracy score. It is safe for concurrent use.
type Evaluator struct {
	Devices  []*profiles.Device
	Accuracy accuracy.Estimator
	Limits   []runstore.Limit
	Recalled *Recalled // scores of earlier runs; nil for none

	isObjective   map[string]bool // by key; all other values are parts of a trial
	bytesPerValue int
	arena         bool // activation memory is the arena of TensorFlow Lite Micro
	lowerer       *space.Lowerer
	training      *rungs.Training // nil where candidates are scored, or not yet trained
}

func newEvaluator(
	objectives []search.Objective, devices []*profiles.Device, a accuracy.Estimator, k *config.Constraints,
) *Evaluator {
	e := &Evaluator{
		Devices: devices, Accuracy: a, bytesPerValue: k.BytesPerValue, arena: k.Runtime == config.TFLM,
		isObjective: map[string]bool{},
	}
	for _, o := range objectives {
		e.isObjective[o.Name] = true
	}
	e.lowerer = &space.Lowerer{Analyze: analyzer(devices)}
	return e
}

// withLimits is e with other constraints.
func (e *Evaluator) withLimits(limits []runstore.Limit) *Evaluator {
	f := *e
	f.Limits = limits
	return &f
}

// IsObjective reports whether the value with that key is an objective.
func (e *Evaluator) IsObjective(key string) bool { return e.isObjective[key] }

// Evaluate implements [search.Evaluator].
func (e *Evaluator) Evaluate(ctx context.Context, c search.Candidate) (search.Result, error) {
	x, err := e.lower(&c.Arch, c.ArchID)
	if err != nil {
		e.ended(c.ID, nil)
		return search.Result{}, err
	}
	if e.training == nil {
		return e.judgeLowered(ctx, x, c.ArchID)
	}
	r, err := e.judgeTrained(ctx, x, c)
	e.ended(c.ID, &r)
	return r, err
}

// ended tells the trials that wait for one that it is over.
func (e *Evaluator) ended(id int, r *search.Result) {
	if e.training != nil {
		if r == nil {
			r = new(search.Result)
		}
		e.training.End(id, r)
	}
}

// Judge is [Evaluator.Evaluate] for a network of any origin.
func (e *Evaluator) Judge(ctx context.Context, net *blocks.Network) (search.Result, error) {
	return e.judgeLowered(ctx, wholeNetwork{net}, "")
}

// WithoutScore returns the objectives of a network that need no accuracy score, and its violation of
// the constraints on them.
func (e *Evaluator) WithoutScore(a space.Arch) (objectives map[string]float64, violation float64) {
	r := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
	x, err := e.lower(&a, "")
	if err == nil {
		err = e.predict(&r, x)
	}
	if err != nil {
		return nil, 1 // its trial will say why
	}
	e.applyLimits(&r, false)
	return r.Objectives, r.Violation
}

// cheapValues returns the values of a network that need no score.
func (e *Evaluator) cheapValues(n *blocks.Network) (search.Result, error) {
	r := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
	return r, e.predict(&r, wholeNetwork{n})
}

// lower returns the network of an arch, as a chain of blocks where that is possible.
func (e *Evaluator) lower(a *space.Arch, name string) (lowered, error) {
	if chain, ok := e.lowerer.Lower(make([]*space.LoweredBlock, 0, 32), a); ok {
		return blockChain{a, name, chain}, nil
	}
	net, err := a.Network()
	return wholeNetwork{net}, err
}

// judgeCheaply fills in what needs no score. A result that breaks a limit on that is screened.
func (e *Evaluator) judgeCheaply(x lowered) (search.Result, error) {
	r := search.Result{Objectives: make(map[string]float64, len(e.isObjective)), Parts: make(map[string]float64, 8)}
	if err := e.predict(&r, x); err != nil {
		return r, err
	}
	e.applyLimits(&r, false)
	r.Screened = r.Violation > 0
	return r, nil
}

// JudgeCheaply returns what is known of a network without a score: counts, latencies, and the limits on these that it
// breaks.
func (e *Evaluator) JudgeCheaply(n *blocks.Network) (search.Result, error) {
	return e.judgeCheaply(wholeNetwork{n})
}

// judgeTrained trains a candidate that holds the limits.
func (e *Evaluator) judgeTrained(ctx context.Context, x lowered, c search.Candidate) (search.Result, error) {
	r, err := e.judgeCheaply(x)
	if err != nil || r.Screened {
		return r, err
	}
	if err := e.train(ctx, c, &r); err != nil {
		return r, err
	}
	e.applyLimits(&r, true)
	return r, nil
}

func (e *Evaluator) judgeLowered(ctx context.Context, x lowered, archID string) (search.Result, error) {
	r, err := e.judgeCheaply(x)
	if err != nil || r.Screened {
		return r, err
	}
	s, ok := e.Recalled.take(archID)
	if !ok {
		if s, err = x.score(ctx, e.Accuracy); err != nil {
			return r, err
		}
	}
	v := runstore.Value{Mid: s.Value, Low: math.NaN(), High: math.NaN(), BetweenSD: s.Between}
	if s.Low < s.High {
		v.Low, v.High = s.Low, s.High
	}
	accuracyField.Set(&r, v, e.isObjective[runstore.KeyAccuracy])
	for k, v := range s.Parts {
		r.Parts[k] = v
	}
	warn(&r, runstore.AccuracyWarning, s.Warnings)
	e.applyLimits(&r, true)
	return r, nil
}

// predict fills in what needs no score: counts and latencies.
func (e *Evaluator) predict(r *search.Result, x lowered) error {
	n := x.counts()
	bytes := float64(e.bytesPerValue)
	e.setCount(r, runstore.KeyParams, float64(n.Params))
	e.setCount(r, runstore.KeyMACs, float64(n.MACs))
	activations := float64(n.PeakActivations) * bytes
	if e.arena {
		planned, err := x.arena()
		if err != nil {
			return err
		}
		activations = float64(planned)
	}
	e.setCount(r, runstore.KeyActivations, activations)
	e.setCount(r, runstore.KeyWeights, float64(n.Params)*bytes)
	for _, d := range e.Devices {
		p, err := x.predict(d)
		if err != nil {
			return fault.Errorf("latency: %w", err)
		}
		d.Latency.Set(r, runstore.Value{Mid: p.LatencyMs, Low: p.LowMs, High: p.HighMs}, e.isObjective[d.Latency.Key()])
		warn(r, runstore.LatencyWarning, p.Warnings)
	}
	return nil
}

func (e *Evaluator) setCount(r *search.Result, key string, v float64) {
	if e.isObjective[key] {
		r.Objectives[key] = v
	} else {
		r.Parts[key] = v
	}
}

func warn(r *search.Result, kind runstore.WarningKind, warnings []string) {
	for _, w := range warnings {
		r.Warnings = append(r.Warnings, kind.Text(w))
	}
}

// applyLimits records the violation of those limits that need the accuracy score, or of those that do not.
func (e *Evaluator) applyLimits(r *search.Result, onScore bool) {
	for i := range e.Limits {
		l := &e.Limits[i]
		if (l.Key == runstore.KeyAccuracy) != onScore {
			continue
		}
		if v := runstore.Number(r, l.Key); l.AtLeast {
			r.AtLeast(l.Name, v, l.Bound)
		} else {
			r.AtMost(l.Name, v, l.Bound)
		}
	}
}

// Scale returns the reference values of a combined rank; nil for another estimator.
func (e *Evaluator) Scale() *accuracy.Scale {
	if s, ok := e.Accuracy.(accuracy.ScaledEstimator); ok {
		return s.Scale()
	}
	return nil
}

var accuracyField = runstore.FieldOf(runstore.KeyAccuracy)

// Recalled are the accuracy scores of earlier runs, by arch id. Only scores that would be computed
// to the same bytes again belong here: a run that is resumed without the earlier ones then goes on
// as it began.
type Recalled struct {
	scores map[string]accuracy.Score
	used   atomic.Int64
}

// Add takes over the score of a trial, if it has one.
func (r *Recalled) Add(t *search.Trial) {
	if s, ok := scoreOf(t); ok {
		if r.scores == nil {
			r.scores = map[string]accuracy.Score{}
		}
		r.scores[t.ArchID] = s
	}
}

// Used is how many scores were taken from r.
func (r *Recalled) Used() int64 { return r.used.Load() }

// take returns the score of a network; false where r, which may be nil, has none.
func (r *Recalled) take(archID string) (s accuracy.Score, ok bool) {
	if r == nil {
		return s, false
	}
	if s, ok = r.scores[archID]; ok {
		r.used.Add(1)
	}
	return s, ok
}

// scoreOf takes from a trial what its accuracy estimate had put there. The counts of params and
// MACs remain among the parts: they are the network's, whoever counts.
func scoreOf(t *search.Trial) (s accuracy.Score, ok bool) {
	if t.Failed != "" || t.Screened || t.Rungs != nil { // rungs have a log of their own
		return s, false
	}
	v := accuracyField.Of(&t.Result)
	s.Value, s.Low, s.High, s.Between = v.Mid, v.Low, v.High, v.BetweenSD
	s.Warnings = runstore.AccuracyWarning.Warnings(t.Warnings)
	for key, v := range t.Parts {
		if accuracyField.Has(key) || runstore.IsLatency(key) || key == runstore.KeyActivations || key == runstore.KeyWeights {
			continue
		}
		if s.Parts == nil {
			s.Parts = map[string]float64{}
		}
		s.Parts[key] = v
	}
	return s, s.Value == s.Value
}
