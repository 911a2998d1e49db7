package improve

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"nas/accuracy"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fault"
	"nas/space"
)

// The default number of evaluations for a score of microseconds, and for one that runs the network.
const (
	fastEvaluations = 6000
	slowEvaluations = 600
)

// configAround is the config of a search around a model: the space around it, and the fitted estimate
// where that knows such networks, else the default score. It returns the arch of the model as that space
// writes it.
func (o *Options) configAround(a space.Arch) (*config.Config, space.Arch, error) {
	proxy, evaluations := "imagenet", config.Evaluations(fastEvaluations)
	var vary space.Vary
	e, err := accuracy.New(proxy, accuracy.Options{})
	if err == nil {
		_, err = e.Estimate(context.Background(), o.Network)
	}
	if err == nil {
		blind := e.Info().Blind
		vary.SE, vary.Activation = !slices.Contains(blind, accuracy.SE), !slices.Contains(blind, accuracy.Activation)
	} else {
		o.Sayf("the fitted estimate does not apply, a training-free score is used: %s",
			fault.Text(err))
		proxy, evaluations = "rankmean(naswot,depth)", slowEvaluations
	}
	spec, divided := space.Around(a, vary)
	name := "improve-" + fileName(o.Name)
	c := &config.Config{
		Name: name, Seed: 1, Space: spec,
		Latency: config.Latency{
			Device: "native", Threads: max(1, o.Threads), Profile: config.Named[string]{"": "auto"}, Budget: 30e9,
		},
		Accuracy:    config.Accuracy{Proxy: proxy, Recipe: "base"},
		Constraints: config.Constraints{BytesPerValue: 4},
		Search: config.Search{
			Objectives: []string{"latency", "accuracy"}, Algorithm: "nsga2", Population: 96, Evaluations: evaluations,
		},
		Output: config.Output{Dir: filepath.ToSlash(filepath.Join("results", name)), Export: config.Formats},
	}
	// Reading it back checks it and fills in the defaults.
	text, err := c.Encode()
	if err != nil {
		return nil, a, err
	}
	c, err = config.Decode(name+".toml", text, evaluator.Check)
	if err != nil {
		return nil, a, fault.Errorf("improve: no space can be built around %s: %w", o.Name, err)
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

// constrain puts the model's arch in front of the population, and its latency above it.
func (o *Options) constrain(a space.Arch) error {
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
		c.Search.Evaluations = config.Evaluations(o.Evaluations)
		c.Search.Trials = 20 * o.Evaluations
	}
	if o.Dir != "" {
		c.Output.Dir = o.Dir
	}
	if o.Profile != "" {
		if len(c.Latency.Profile) > 1 {
			return config.Usagef("the config names several profiles: --profile cannot say which of them it is")
		}
		c.Latency.Profile[first] = o.Profile
	}
	if o.AcceptProfile {
		c.AcceptProfiles()
	}
	for _, want := range []string{"latency", "accuracy"} {
		if !slices.ContainsFunc(c.Search.Objectives, func(s string) bool { return strings.HasPrefix(s, want) }) {
			return config.Usagef("search.objectives has no %s: nas improve searches for both", want)
		}
	}
	return nil
}
