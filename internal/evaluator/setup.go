package evaluator

import (
	"context"
	"fmt"
	"runtime"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// Options say how work is done. They never change a result.
type Options struct {
	// Workers is how many networks are judged at once. 0 means one for each processor.
	Workers int
	// Say is called with one line of text at each step. Progress is called from time to time within
	// a step. Both may be nil and are called from one goroutine at a time.
	Say      func(string)
	Progress func(Progress)
}

// Sayf formats a line for Say.
func (o Options) Sayf(format string, a ...any) {
	if o.Say != nil {
		o.Say(fmt.Sprintf(format, a...))
	}
}

// Report calls Progress.
func (o Options) Report(p Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}

// Progress is how far a step has come.
type Progress struct {
	Step    string // "calibrate", "search", "measure"
	Done    int
	Total   int              // 0 if unknown
	Seconds bool             // Done and Total are seconds
	Search  *search.Progress // of the step "search"
}

// String is Done of Total, with the unit.
func (p Progress) String() string {
	s := fmt.Sprint(p.Done)
	if p.Total > 0 {
		s += fmt.Sprintf(" of %d", p.Total)
	}
	if p.Seconds {
		s += " s"
	}
	return s
}

// Setup is a config with its models made.
type Setup struct {
	Options
	*Evaluator
	Config     *config.Config
	Space      *space.Space
	Objectives []search.Objective
	Sample     []*blocks.Network // the reference sample of the space
	// Worst is the worst value of the sample in each objective: the reference point of the hypervolume.
	Worst []float64
}

// New makes the models of a config. They have no constraints yet: see [Setup.Constrained]. A run
// that is resumed keeps the profiles, the scale and the reference point of its directory; resumed
// is nil for a new run. What is wrong with the config is a [*config.UsageError].
func New(ctx context.Context, c *config.Config, o Options, resumed *runstore.Run) (*Setup, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	sp, err := space.New(c.Space)
	if err != nil {
		return nil, config.Usage(err)
	}
	if err := accuracy.CheckSpec(c.Accuracy.Proxy); err != nil {
		return nil, config.Usagef("accuracy.proxy = %q: %w", c.Accuracy.Proxy, err)
	}
	objectives, err := objectivesOf(c)
	if err != nil {
		return nil, config.Usage(err)
	}
	devices, err := devicesOf(ctx, c, sp, o, resumed)
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
	s := &Setup{
		Options: o, Config: c, Space: sp, Objectives: objectives, Sample: sample,
		Evaluator: newEvaluator(objectives, devices, estimator, c.Constraints.BytesPerValue),
	}
	if resumed != nil {
		s.Worst = resumed.Manifest().Reference
		return s, nil
	}
	s.Worst, err = s.worst(ctx)
	return s, err
}

// Constrained returns the setup with the constraints of its config. It takes the time of judging
// the networks that they are given in terms of.
func (s *Setup) Constrained(ctx context.Context) (*Setup, error) {
	limits, err := s.resolveLimits(ctx)
	if err != nil {
		return nil, err
	}
	return s.withLimits(limits), nil
}

// Unlimited returns the setup without constraints: its evaluator computes every value of every network.
func (s *Setup) Unlimited() *Setup { return s.withLimits(nil) }

func (s *Setup) withLimits(limits []runstore.Limit) *Setup {
	t, e := *s, *s.Evaluator
	e.Limits = limits
	t.Evaluator = &e
	return &t
}
