package accuracy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nas/accuracy/imagenet"
	"nas/accuracy/proxy"
	"nas/blocks"
	"nas/internal/fault"
)

// Options are the settings of [New]. The zero value is usable for every
// estimator but rankmean, which needs Reference or Scale.
type Options struct {
	// Seed of the random inputs and weights of proxies that run the network.
	Seed uint64

	// Reference is the sample of networks whose scores make the scale of rankmean: as a
	// rule [ReferenceSize] networks of the space that will be searched.
	Reference []*blocks.Network

	// Scale is a stored scale. Proxies that it holds are not scored on Reference again.
	Scale *Scale

	// Workers is the number of reference networks scored at once; 0 means as
	// many as processors.
	Workers int

	// Trained are the networks that surrogate is fitted to.
	Trained []TrainedNetwork

	// Recipe is the class of training recipes that the fitted estimate is for, one of
	// [imagenet.Recipes]; "" means base.
	Recipe string

	// NASWOT and Zen are the settings of those proxies.
	NASWOT, Zen Sampling
}

// TrainedNetwork is a network with the accuracy that somebody's training gave it.
type TrainedNetwork struct {
	Network *blocks.Network
	Top1Pct float64
}

func (o Options) proxySettings() proxy.Settings {
	return proxy.Settings{Seed: o.Seed, NASWOT: o.NASWOT, Zen: o.Zen}
}

// Sampling says on what a proxy runs a network.
type Sampling = proxy.Sampling

// New makes an estimator from its specification: a name, or a combination of
// names such as "rankmean(naswot,depth)". The names are those of [Names].
func New(spec string, o Options) (Estimator, error) {
	return NewContext(context.Background(), spec, o)
}

// NewContext is New, which stops scoring the reference sample when ctx ends.
func NewContext(ctx context.Context, spec string, o Options) (Estimator, error) {
	t, err := parseSpec(spec)
	if err != nil {
		return nil, err
	}
	return t.build(ctx, o)
}

// Names returns the names that specifications consist of, sorted; that of a
// combination has brackets.
func Names() []string {
	names := append(proxy.Names(), "rankmean(...)", "imagenet", "surrogate")
	slices.Sort(names)
	return names
}

// CheckSpec reports whether New would accept spec, without scoring anything.
func CheckSpec(spec string) error {
	t, err := parseSpec(spec)
	if err != nil {
		return err
	}
	return t.check()
}

// CheckRecipe reports whether the values of spec, which must be right, can be for a class
// of training recipes.
func CheckRecipe(spec, recipe string) error {
	if !slices.Contains(imagenet.Recipes, recipe) {
		return fault.Errorf("accuracy: want one of %s", strings.Join(imagenet.Recipes, ", "))
	}
	t, err := parseSpec(spec)
	reads := func(t term) bool { return t.name == "imagenet" }
	if err != nil || recipe == imagenet.Recipes[0] || reads(t) || slices.ContainsFunc(t.args, reads) {
		return nil
	}
	return fault.Errorf("accuracy: %s knows of no recipes: leave it out, or use the score imagenet", spec)
}

// NeedsReference reports whether the values of spec are positions on the scale of a
// reference sample.
func NeedsReference(spec string) bool {
	t, err := parseSpec(spec)
	return err == nil && t.name == "rankmean"
}

// Uses reports whether a specification is name, or a combination with it.
func Uses(spec, name string) bool {
	t, err := parseSpec(spec)
	return err == nil && (t.name == name || slices.ContainsFunc(t.args, func(a term) bool { return a.name == name }))
}

// IsPercent reports whether the values of spec are estimates of accuracy in per cent of test images.
func IsPercent(spec string) bool {
	t, err := parseSpec(spec)
	return err == nil && (t.name == "imagenet" || t.name == "surrogate")
}

// term is a parsed specification.
type term struct {
	name string
	args []term
	call bool // brackets were given
}

func (t term) String() string {
	if !t.call {
		return t.name
	}
	args := make([]string, len(t.args))
	for i, a := range t.args {
		args[i] = a.String()
	}
	return t.name + "(" + strings.Join(args, ",") + ")"
}

// parseSpec reads name or name(term, term ...), spaces allowed anywhere
// between tokens.
func parseSpec(spec string) (term, error) {
	p := specParser{text: spec}
	t, err := p.term(0)
	if err == nil {
		if p.space(); p.at < len(spec) {
			err = fmt.Errorf("unexpected %q", spec[p.at:])
		}
	}
	if err != nil {
		return term{}, fault.Errorf("accuracy: proxy %q: %w", spec, err)
	}
	return t, nil
}

type specParser struct {
	text string
	at   int
}

func (p *specParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *specParser) next(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *specParser) term(level int) (term, error) {
	if level > 4 {
		return term{}, fmt.Errorf("brackets are nested too deeply")
	}
	p.space()
	start := p.at
	for p.at < len(p.text) {
		if c := p.text[p.at]; c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
		p.at++
	}
	t := term{name: p.text[start:p.at]}
	if t.name == "" {
		return t, fmt.Errorf("a name is missing at position %d", start+1)
	}
	if !p.next('(') {
		return t, nil
	}
	t.call = true
	for {
		a, err := p.term(level + 1)
		if err != nil {
			return t, err
		}
		t.args = append(t.args, a)
		if p.next(')') {
			return t, nil
		}
		if !p.next(',') {
			return t, fmt.Errorf("want , or ) at position %d", p.at+1)
		}
	}
}

// check returns an error unless names and numbers of arguments are right.
func (t term) check() error {
	_, isProxy := proxy.LookUp(t.name)
	switch {
	case !isProxy && t.name != "rankmean" && t.name != "imagenet" && t.name != "surrogate":
		return fault.Errorf("accuracy: unknown proxy %q, want one of %s", t.name, strings.Join(Names(), ", "))
	case t.name == "rankmean" && len(t.args) == 0:
		return fault.Errorf("accuracy: rankmean needs the proxies it combines, for example rankmean(naswot,depth)")
	case t.name != "rankmean" && t.call:
		return fault.Errorf("accuracy: %s takes no arguments, in %q", t.name, t)
	}
	seen := make(map[string]bool)
	for _, a := range t.args {
		if a.name == "rankmean" {
			return fault.Errorf("accuracy: rankmean cannot hold another rankmean, in %q", t)
		}
		if seen[a.name] {
			return fault.Errorf("accuracy: %s occurs twice in %q", a.name, t)
		}
		seen[a.name] = true
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

func (t term) build(ctx context.Context, o Options) (Estimator, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	switch t.name {
	case "imagenet":
		return NewImageNet(o.Recipe)
	case "surrogate":
		return NewSurrogate(ctx, o)
	case "rankmean":
		parts := make([]Estimator, len(t.args))
		for i, a := range t.args {
			p, err := a.build(ctx, o)
			if err != nil {
				return nil, err
			}
			parts[i] = p
		}
		return newRankMean(ctx, parts, o.Scale, o.Reference, o.Workers)
	}
	return newProxyEstimator(t.name, o.proxySettings()), nil
}
