// Package improve searches around a network for a better one that is not slower.
package improve

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"nas/blocks"
	"nas/internal/atomicfile"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/run"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// outcomeFile is where the directory of an improvement keeps its outcome.
const outcomeFile = "improve.json"

// Options say what to improve and how.
type Options struct {
	run.Options // Config gives the space and the models; nil: a space around the model
	Name        string
	Network     *blocks.Network
	// MaxLatencyMs is the latency that the result may have, predicted; 0 means the
	// model's own.
	MaxLatencyMs float64
	// Evaluations, Dir and Profile replace what the config says, or the default
	// where there is no config: they may be zero.
	Evaluations int
	Dir         string
	Threads     int
	Profile     string
	// AcceptProfile takes a latency profile of this machine as it is; see [config.Config.AcceptProfiles].
	AcceptProfile bool
}

// Improvement is what was found, beside the network that it started from.
type Improvement struct {
	Dir    string `json:"dir"`
	Score  string `json:"score"`
	Device string `json:"device"`
	// Mapped is "" where the model itself is in the space, and else says how far
	// the nearest network of the space, from which the search started, is from it.
	Mapped string `json:"mapped,omitempty"`

	Model  Side   `json:"model"`
	Best   *Side  `json:"best"`             // the best score within the latency; null if that is the start itself
	Faster *Side  `json:"faster,omitempty"` // the fastest whose score is not below the model's
	Edits  []Edit `json:"edits"`            // from the start to the best
	Better bool   `json:"better"`           // by more than the half width of the interval
	// GainHalfWidth is what the gain in score is held against: the half width of
	// the score's 90 % interval, or, of a score without one, of the difference over
	// several seeds.
	GainHalfWidth float64  `json:"gain_half_width"`
	Verdict       string   `json:"verdict"`
	Skipped       string   `json:"not_measured,omitempty"`
	Warnings      []string `json:"warnings"`
	Evaluated     int      `json:"evaluated"`

	Status search.Status `json:"-"`
	Unit   string        `json:"score_unit"`
}

// warn takes a warning, once.
func (m *Improvement) warn(text string) {
	if !slices.Contains(m.Warnings, text) {
		m.Warnings = append(m.Warnings, text)
	}
}

// Side is one of the networks that are compared.
type Side struct {
	Trial  int     `json:"trial"` // -1: the model
	Arch   string  `json:"arch,omitempty"`
	Params int64   `json:"params"`
	MACs   int64   `json:"macs"`
	Ms     float64 `json:"latency_ms"` // predicted
	LowMs  float64 `json:"latency_low_ms"`
	HighMs float64 `json:"latency_high_ms"`
	Score  float64 `json:"score"`
	Low    float64 `json:"score_low,omitempty"` // 0 and 0 where the score has no interval
	High   float64 `json:"score_high,omitempty"`
	// Measured on this device, all networks in turn; 0 where it was not.
	MeasuredMs float64 `json:"measured_ms,omitempty"`
	// Ratio of the measured latency to the model's, with the least and the largest
	// of the rounds.
	Ratio     float64 `json:"measured_ratio,omitempty"`
	RatioLow  float64 `json:"measured_ratio_low,omitempty"`
	RatioHigh float64 `json:"measured_ratio_high,omitempty"`

	network *blocks.Network
}

// Improve searches around a network for a better one that is not slower. An outcome whose status is
// interrupted holds nothing else.
func Improve(ctx context.Context, o Options) (*Improvement, error) {
	arch, err := space.FromNetwork(o.Network)
	if text := o.Network.Meta["arch"]; err != nil && text != "" {
		arch, err = space.Parse(text)
	}
	if err != nil {
		return nil, config.Usagef("%s cannot be searched around: %w", o.Name, err)
	}
	if o.Config == nil {
		if o.Config, arch, err = o.configAround(arch); err != nil {
			return nil, err
		}
	}
	if err := o.constrain(arch); err != nil {
		return nil, err
	}
	found, err := run.Run(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	c := comparison{Setup: found.Setup.Unlimited(), options: &o, arch: arch, found: found, out: newImprovement(found)}
	if found.Interrupted {
		c.out.Status = search.StatusInterrupted
		return c.out, nil
	}
	for _, step := range []func(context.Context) error{c.choose, c.measure, c.edits, c.judge} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	data, err := json.MarshalIndent(c.out, "", "  ")
	if err != nil {
		return nil, err
	}
	return c.out, atomicfile.WriteFile(filepath.Join(c.out.Dir, outcomeFile), append(data, '\n'))
}

func newImprovement(found *run.Outcome) *Improvement {
	info := found.Setup.Accuracy.Info()
	return &Improvement{
		Dir: found.Dir, Score: info.Label, Unit: info.Unit, Device: found.Setup.Devices[0].Profile.Device.String(),
		Edits: []Edit{}, Evaluated: found.Summary.Evaluations, Status: found.Summary.Status,
	}
}

// comparison holds what was found against the model.
type comparison struct {
	*evaluator.Setup // without limits
	options          *Options
	arch             space.Arch // of the model
	found            *run.Outcome
	out              *Improvement
	start            space.Genes // nearest to the model
	best             space.Genes // of out.Best
}

// assess judges a network.
func (c *comparison) assess(ctx context.Context, n *blocks.Network) (Side, error) {
	r, err := c.Judge(ctx, n)
	if err != nil {
		return Side{}, err
	}
	for _, w := range r.Warnings {
		c.out.warn(w)
	}
	ms := c.Devices[0].Latency.Of(&r)
	score := runstore.FieldOf(runstore.KeyAccuracy).Of(&r)
	s := Side{
		Trial: -1, Params: int64(runstore.Number(&r, runstore.KeyParams)), MACs: int64(runstore.Number(&r, runstore.KeyMACs)),
		Ms: ms.Mid, LowMs: ms.Low, HighMs: ms.High, Score: score.Mid, network: n,
	}
	if score.HasInterval() {
		s.Low, s.High = score.Low, score.High
	}
	return s, nil
}

// choose judges the model and the members of the front that matter.
func (c *comparison) choose(ctx context.Context) (err error) {
	if c.out.Model, err = c.assess(ctx, c.options.Network); err != nil {
		return err
	}
	model, front := &c.out.Model, c.found.Front
	c.start = c.Space.Nearest(c.arch)
	nearest := c.Space.Arch(c.start)
	model.Arch = c.arch.String()
	if n, err := nearest.Network(); err != nil {
		return err
	} else if got, want := n.Counts(), c.options.Network.Counts(); got.MACs != want.MACs ||
		weights(n) != weights(c.options.Network) {
		c.out.Mapped = fmt.Sprintf("the model is not in the space; the search started from the nearest network, %s, "+
			"with %+.1f %% MACs and %+.1f %% params", nearest.ID(),
			100*(float64(got.MACs)/float64(want.MACs)-1), 100*(float64(got.Params)/float64(want.Params)-1))
	}
	best, faster := -1, -1
	for i, f := range front {
		if best < 0 || f.Accuracy.Mid > front[best].Accuracy.Mid {
			best = i
		}
		if f.Accuracy.Mid >= model.Score && (faster < 0 || f.Latency.Mid < front[faster].Latency.Mid) {
			faster = i
		}
	}
	if best >= 0 && front[best].ArchID != nearest.ID() {
		if c.out.Best, err = c.member(ctx, &front[best]); err != nil {
			return err
		}
		c.best = front[best].Genes
	}
	if faster >= 0 && faster != best && front[faster].Latency.Mid < model.Ms && front[faster].ArchID != nearest.ID() {
		c.out.Faster, err = c.member(ctx, &front[faster])
	}
	return err
}

// weights counts the values of the weights of convolutions and linear layers. Scales and biases
// are left out, of which exporters make one of the other.
func weights(n *blocks.Network) (count int64) {
	for i := range n.Nodes {
		for _, p := range n.Params(i) {
			if len(p.Dims) > 1 {
				count += int64(p.Len())
			}
		}
	}
	return count
}

// member judges a member of the front.
func (c *comparison) member(ctx context.Context, m *run.Member) (*Side, error) {
	n, err := m.Network(c.Setup)
	if err != nil {
		return nil, err
	}
	s, err := c.assess(ctx, n)
	s.Trial, s.Arch = m.ID, m.Arch
	return &s, err
}
