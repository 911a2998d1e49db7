package run

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/atomicfile"
	"nas/internal/config"
	"nas/search"
	"nas/space"
)

// ImproveFile is where the directory of an improvement keeps its outcome.
const ImproveFile = "improve.json"

// ImproveOptions say what to improve and how.
type ImproveOptions struct {
	Options // Config gives the space and the models; nil: a space around the model
	Name    string
	Network *blocks.Network
	// MaxLatencyMs is the latency that the result may have, predicted; 0 means the
	// model's own.
	MaxLatencyMs float64
	// Evaluations, Dir and Profile replace what the config says, or the default
	// where there is no config: they may be zero.
	Evaluations int
	Dir         string
	Threads     int
	Profile     string
}

// Improvement is what was found, beside the network that it started from.
type Improvement struct {
	Dir    string `json:"dir"`
	Score  string `json:"score"`
	Device string `json:"device"`
	// Mapped is "" where the model itself is in the space, and else says how far
	// the nearest network of the space, from which the search started, is from it.
	Mapped string `json:"mapped,omitempty"`

	Model  ImproveSide  `json:"model"`
	Best   *ImproveSide `json:"best"`             // the best score within the latency; null if that is the start itself
	Faster *ImproveSide `json:"faster,omitempty"` // the fastest whose score is not below the model's
	Edits  []Edit       `json:"edits"`            // from the start to the best
	Better bool         `json:"better"`           // by more than the half width of the interval
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

// ImproveSide is one of the networks that are compared.
type ImproveSide struct {
	Trial  int     `json:"trial"` // -1: the model
	Arch   string  `json:"arch,omitempty"`
	Params int64   `json:"params"`
	MACs   int64   `json:"macs"`
	Ms     float64 `json:"latency_ms"` // predicted
	LowMs  float64 `json:"latency_low_ms"`
	HighMs float64 `json:"latency_high_ms"`
	Score  float64 `json:"score"`
	Low    float64 `json:"score_low,omitempty"`
	High   float64 `json:"score_high,omitempty"`
	// Measured on this device, all networks in turn; 0 where it was not.
	MeasuredMs float64 `json:"measured_ms,omitempty"`
	// Ratio of the measured latency to the model's, with the least and the largest
	// of the rounds.
	Ratio     float64 `json:"measured_ratio,omitempty"`
	RatioLow  float64 `json:"measured_ratio_low,omitempty"`
	RatioHigh float64 `json:"measured_ratio_high,omitempty"`

	net *blocks.Network
}

// improveEvaluations are the defaults for a score of microseconds and for one
// that runs the network.
const (
	improveEvaluations     = 6000
	improveEvaluationsSlow = 600
)

// Improve searches around a network for a better one that is not slower.
func Improve(ctx context.Context, o ImproveOptions) (*Improvement, error) {
	arch, err := space.FromNetwork(o.Network)
	if text := o.Network.Meta["arch"]; err != nil && text != "" {
		arch, err = space.Parse(text)
	}
	if err != nil {
		return nil, &UsageError{fmt.Errorf("run: %s cannot be searched around: %w", o.Name, err)}
	}
	if o.Config == nil {
		if o.Config, arch, err = o.aroundConfig(arch); err != nil {
			return nil, err
		}
	}
	if err := o.constrain(arch); err != nil {
		return nil, err
	}
	p := newPipeline(o.Options)
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	m := &improver{pipeline: p, o: &o, arch: arch, out: &Improvement{
		Dir: p.cfg.Output.Dir, Score: p.eval.accuracy.Info().Label, Unit: p.eval.accuracy.Info().Unit,
		Device: p.eval.devices[0].profile.Device.String(), Edits: []Edit{}, Evaluated: p.summary.Evaluations, Status: p.summary.Status,
	}}
	if p.summary.Status == search.StatusInterrupted {
		return m.out, nil
	}
	return m.out, p.take(ctx, m.compare, m.time, m.edits, m.judge, m.save)
}

// aroundConfig is the config of a search around a model: the space around it, and
// the fitted estimate where that knows such networks, else the default score.
func (o *ImproveOptions) aroundConfig(a space.Arch) (*config.Config, space.Arch, error) {
	proxy, evaluations := "imagenet", improveEvaluations
	e, err := accuracy.New(proxy, accuracy.Options{})
	if err == nil {
		_, err = e.Estimate(context.Background(), o.Network)
	}
	if err != nil {
		if o.Say != nil {
			o.Say("the fitted estimate does not apply, a training-free score is used: " + strings.TrimPrefix(err.Error(), "accuracy: "))
		}
		proxy, evaluations = "rankmean(naswot,depth)", improveEvaluationsSlow
	}
	vary := space.Vary{SE: true, Activation: true}
	if e != nil && err == nil {
		blind := e.Info().Blind
		vary.SE, vary.Activation = !slices.Contains(blind, accuracy.SE), !slices.Contains(blind, accuracy.Activation)
	} else {
		vary = space.Vary{}
	}
	spec, divided := space.Around(a, vary)
	name := "improve-" + fileName(o.Name)
	c := &config.Config{
		Name: name, Seed: 1, Space: spec,
		Latency:     config.Latency{Device: "native", Threads: max(1, o.Threads), Profile: config.Named[string]{"": "auto"}, Budget: 30e9},
		Accuracy:    config.Accuracy{Proxy: proxy},
		Constraints: config.Constraints{BytesPerValue: 4},
		Search:      config.Search{Objectives: []string{"latency", "accuracy"}, Algorithm: "nsga2", Population: 96, Evaluations: evaluations},
		Output:      config.Output{Dir: filepath.ToSlash(filepath.Join("results", name)), Export: config.Formats},
	}
	// Reading it back checks it and fills in the defaults.
	text, err := c.Encode()
	if err != nil {
		return nil, a, err
	}
	c, err = config.Decode(name+".toml", text, Check)
	if err != nil {
		return nil, a, fmt.Errorf("run: no space can be built around %s: %w", o.Name, err)
	}
	return c, divided, nil
}

// fileName keeps the letters and digits of a network's name.
func fileName(name string) string {
	name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	if strings.Contains(name, "|") {
		name = "arch"
	}
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '_'
	}, name), "_.")
}

// constrain puts the model's arch in front of the population, and its latency
// above it.
func (o *ImproveOptions) constrain(a space.Arch) error {
	c := o.Config
	c.Search.Start = append([]string{a.String()}, c.Search.Start...)
	limit := config.Limit{Value: o.MaxLatencyMs}
	if o.MaxLatencyMs == 0 {
		limit = config.Limit{Factor: 1, Of: a.String()}
	}
	first := c.Latency.Profile.Names()[0]
	c.Constraints.MaxLatency = config.Named[config.Limit]{first: limit}
	c.Output.Measure = 0 // the model is measured beside what it is compared with
	if o.Evaluations > 0 {
		c.Search.Evaluations = o.Evaluations
		c.Search.Trials = 20 * o.Evaluations
	}
	if o.Dir != "" {
		c.Output.Dir = o.Dir
	}
	if o.Profile != "" {
		if len(c.Latency.Profile) > 1 {
			return &UsageError{fmt.Errorf("run: the config names several profiles: --profile cannot say which of them it is")}
		}
		c.Latency.Profile[first] = o.Profile
	}
	for _, want := range []string{"latency", "accuracy"} {
		if !slices.ContainsFunc(c.Search.Objectives, func(s string) bool { return strings.HasPrefix(s, want) }) {
			return &UsageError{fmt.Errorf("run: search.objectives has no %s: nas improve searches for both", want)}
		}
	}
	return nil
}

// improver holds what the comparison needs.
type improver struct {
	*pipeline
	o      *ImproveOptions
	arch   space.Arch // of the model
	out    *Improvement
	start  space.Genes
	picked space.Genes // of the best
}

// side judges a network that is not bound by the limits.
func (m *improver) side(ctx context.Context, n *blocks.Network) (ImproveSide, error) {
	free := m.eval
	free.limits.list = nil
	r, err := free.judge(ctx, n)
	if err != nil {
		return ImproveSide{}, err
	}
	d := m.eval.devices[0]
	for _, w := range r.Warnings {
		m.out.Warnings = with(m.out.Warnings, w)
	}
	return ImproveSide{
		Trial: -1, Params: int64(free.value(&r, keyParams)), MACs: int64(free.value(&r, keyMACs)),
		Ms: free.value(&r, d.key()), LowMs: r.Parts[d.key()+"_low"], HighMs: r.Parts[d.key()+"_high"],
		Score: free.value(&r, keyAccuracy), Low: r.Parts[keyAccuracy+"_low"], High: r.Parts[keyAccuracy+"_high"], net: n,
	}, nil
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// compare finds the members of the front that matter.
func (m *improver) compare(ctx context.Context) (err error) {
	if m.out.Model, err = m.side(ctx, m.o.Network); err != nil {
		return err
	}
	model := &m.out.Model
	m.start = m.space.Nearest(m.arch)
	nearest := m.space.Arch(m.start)
	model.Arch = m.arch.String()
	if n, err := nearest.Network(); err != nil {
		return err
	} else if c, want := n.Counts(), m.o.Network.Counts(); c.MACs != want.MACs || c.Params != want.Params {
		m.out.Mapped = fmt.Sprintf("the model is not in the space; the search started from the nearest network, %s, with %+.1f %% MACs and %+.1f %% params",
			nearest.ID(), 100*(float64(c.MACs)/float64(want.MACs)-1), 100*(float64(c.Params)/float64(want.Params)-1))
	}
	best, faster := -1, -1
	for i, f := range m.front {
		if best < 0 || f.Accuracy > m.front[best].Accuracy {
			best = i
		}
		if f.Accuracy >= model.Score && (faster < 0 || f.Latency < m.front[faster].Latency) {
			faster = i
		}
	}
	load := func(i int) (*ImproveSide, error) {
		f := m.front[i]
		n, err := m.network(f)
		if err != nil {
			return nil, err
		}
		s, err := m.side(ctx, n)
		s.Trial, s.Arch = f.ID, f.Arch
		return &s, err
	}
	if best >= 0 && m.front[best].ArchID != nearest.ID() {
		if m.out.Best, err = load(best); err != nil {
			return err
		}
		m.picked = m.front[best].Genes
	}
	if faster >= 0 && faster != best && m.front[faster].Latency < model.Ms && m.front[faster].ArchID != nearest.ID() {
		m.out.Faster, err = load(faster)
	}
	return err
}

func (m *improver) save(context.Context) error {
	data, err := json.MarshalIndent(m.out, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(m.out.Dir, ImproveFile), append(data, '\n'))
}
