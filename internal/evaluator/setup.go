package evaluator

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/config"
	"nas/internal/plural"
	"nas/internal/profiles"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/search"
	"nas/space"
)

// Setup is a config with its models made.
type Setup struct {
	work.Options
	*Evaluator
	Config     *config.Config
	Space      *space.Space
	Objectives []search.Objective
	Sample     []*blocks.Network // the reference sample of the space
	// Worst is the worst value of the sample in each objective: the reference point of the hypervolume.
	Worst []float64
	// Blind are the keys of the genes that the score cannot see, where somebody has found out.
	Blind []string

	trainingReady bool // the recipe's setup was run
}

// New makes the models of a config. They have no constraints yet: see [Setup.Constrained]. A run
// that is resumed keeps the profiles, the scale and the reference point of its directory; resumed
// is nil for a new run. What is wrong with the config is a [*config.UsageError].
func New(ctx context.Context, c *config.Config, o work.Options, resumed *runstore.Run) (*Setup, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	sp, err := space.New(c.Space)
	if err != nil {
		return nil, config.Usage(err)
	}
	if err := accuracy.CheckSpec(c.Accuracy.Proxy); err != nil && c.Accuracy.Evaluator == "" {
		return nil, config.Usagef("accuracy.proxy = %q: %w", c.Accuracy.Proxy, err)
	}
	objectives, err := objectivesOf(c)
	if err != nil {
		return nil, config.Usage(err)
	}
	ready := resumed == nil && c.Accuracy.Evaluator != "" && !o.Elsewhere
	if ready { // before a calibration: a training that cannot begin is told at once
		if err := setUpTraining(ctx, c); err != nil {
			return nil, err
		}
	}
	devices, err := profiles.Of(ctx, c, sp, o, resumed)
	if err != nil {
		return nil, err
	}
	sample, err := ReferenceSample(sp, c.Accuracy.Seed)
	if err != nil {
		return nil, err
	}
	estimator, err := estimatorOf(ctx, c, o, sample, resumed)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(objectives, func(o search.Objective) bool { return o.Name == runstore.KeyAccuracy }); i >= 0 {
		objectives[i].Direction = direction(estimator)
	}
	s := &Setup{
		Options: o, Config: c, Space: sp, Objectives: objectives, Sample: sample, trainingReady: ready,
		Evaluator: newEvaluator(objectives, devices, estimator, &c.Constraints),
	}
	if resumed != nil {
		s.Worst = resumed.Manifest().Reference
	} else {
		s.Worst, err = s.worst(ctx)
	}
	return s, err
}

// Constrained returns the setup with the constraints of its config. It takes the time of judging
// the networks that they are given in terms of.
func (s *Setup) Constrained(ctx context.Context) (*Setup, error) {
	limits, err := s.resolveLimits(ctx, &s.Config.Constraints)
	if err != nil {
		return nil, err
	}
	return s.WithLimits(limits), nil
}

// Unlimited returns the setup without constraints: its evaluator computes every value of every network.
func (s *Setup) Unlimited() *Setup { return s.WithLimits(nil) }

// WithLimits returns the setup with other constraints.
func (s *Setup) WithLimits(limits []runstore.Limit) *Setup {
	t := *s
	t.Evaluator = s.Evaluator.withLimits(limits)
	return &t
}

// objectivesOf translates the names of the config's objectives.
func objectivesOf(c *config.Config) ([]search.Objective, error) {
	counts := map[string]search.Objective{
		"accuracy":         {Name: runstore.KeyAccuracy, Direction: search.Maximize},
		"params":           {Name: runstore.KeyParams},
		"macs":             {Name: runstore.KeyMACs},
		"activation_bytes": {Name: runstore.KeyActivations, Unit: "bytes"},
		"weight_bytes":     {Name: runstore.KeyWeights, Unit: "bytes"},
	}
	var out []search.Objective
	for _, name := range c.Search.Objectives {
		if o, ok := counts[name]; ok {
			out = append(out, o)
			continue
		}
		_, device, named := strings.Cut(name, "@")
		if !named && len(c.Latency.Profile) > 1 {
			return nil, errors.New("search.objectives: several profiles are given, say whose latency is meant, " +
				"such as latency@" + c.Latency.Profile.Names()[0])
		}
		out = append(out, search.Objective{Name: runstore.LatencyKey(device), Unit: "ms"})
	}
	return out, nil
}

// worst judges the reference sample by all objectives and returns the worst value in each.
func (s *Setup) worst(ctx context.Context) ([]float64, error) {
	scores, err := s.sampleScores(ctx)
	if err != nil {
		return nil, err
	}
	worst := make([]float64, len(s.Objectives))
	for i, o := range s.Objectives {
		worst[i] = math.Inf(-1)
		if o.Direction == search.Maximize {
			worst[i] = math.Inf(1)
		}
	}
	for k, n := range s.Sample {
		r, err := s.cheapValues(n)
		if err != nil {
			return nil, err
		}
		if t, ok := s.Accuracy.(trained); ok {
			r.Objectives[runstore.KeyAccuracy] = t.recipe.Worst(n.Output().C)
		} else if scores != nil {
			r.Objectives[runstore.KeyAccuracy] = scores[k]
		}
		for i, o := range s.Objectives {
			if v := r.Objectives[o.Name]; math.IsNaN(v) {
				continue
			} else if o.Direction == search.Maximize {
				worst[i] = min(worst[i], v)
			} else {
				worst[i] = max(worst[i], v)
			}
		}
	}
	return worst, nil
}

// Scores returns the scores of networks of the space, NaN for one that the estimator refuses. It is a
// [*config.UsageError] if it refuses all of them.
func (s *Setup) Scores(ctx context.Context, nets []*blocks.Network) ([]float64, error) {
	return scoresOf(ctx, s.Accuracy, s.Config.Accuracy.Proxy, nets, s.Workers)
}

// sampleScores returns the accuracy score of each network of the sample, NaN for one that the estimator refuses; nil
// if accuracy is no objective. A space of which it refuses every network is a [*config.UsageError].
func (s *Setup) sampleScores(ctx context.Context) ([]float64, error) {
	if !s.IsObjective(runstore.KeyAccuracy) || s.Trains() {
		return nil, nil
	}
	if r, ok := s.Accuracy.(accuracy.ScaledEstimator); ok {
		if v := r.ReferenceValues(); len(v) == len(s.Sample) {
			return v, nil
		}
	}
	return s.Scores(ctx, s.Sample)
}

// lenient scores NaN what its estimator refuses.
type lenient struct{ accuracy.Estimator }

func (l lenient) Estimate(ctx context.Context, n *blocks.Network) (accuracy.Score, error) {
	s, err := l.Estimator.Estimate(ctx, n)
	if errors.As(err, new(accuracy.Refusal)) {
		return accuracy.Score{Value: math.NaN()}, nil
	}
	return s, err
}

// scoresOf returns the scores of networks, NaN for one that the estimator of a spec refuses. It is a
// [*config.UsageError] if it refuses all of them: a run would find nothing.
func scoresOf(
	ctx context.Context, e accuracy.Estimator, spec string, nets []*blocks.Network, workers int,
) ([]float64, error) {
	scores, err := accuracy.ScoreAll(ctx, lenient{e}, nets, workers)
	if err != nil {
		return nil, err
	}
	values := accuracy.Values(scores)
	for _, v := range values {
		if !math.IsNaN(v) {
			return values, nil
		}
	}
	if _, err = e.Estimate(ctx, nets[0]); err == nil {
		return values, nil
	}
	return nil, config.Usagef("accuracy.proxy = %q: it estimates none of %s of the space: %w",
		spec, plural.Of(len(nets), "network"), err)
}
