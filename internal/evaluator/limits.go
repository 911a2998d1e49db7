package run

import (
	"context"
	"fmt"
	"strings"

	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
)

// limit is one constraint, in the unit of the value that key names.
type limit struct {
	name    string // as in the config, for messages: "max_latency"
	key     string
	bound   float64
	atLeast bool
	text    string // as written in the config
}

// expensive tells whether the limit needs the accuracy score.
func (l *limit) expensive() bool { return l.key == keyAccuracy }

// limits are all constraints of a run.
type limits struct {
	bytesPerValue int
	list          []limit
}

// apply records the violation of the limits which do, or do not, need the
// accuracy score.
func (ls *limits) apply(r *search.Result, value func(*search.Result, string) float64, expensive bool) {
	for i := range ls.list {
		l := &ls.list[i]
		switch {
		case l.expensive() != expensive:
		case l.atLeast:
			r.AtLeast(l.name, value(r, l.key), l.bound)
		default:
			r.AtMost(l.name, value(r, l.key), l.bound)
		}
	}
}

// resolve turns the config's constraints into bounds. A limit in terms of a
// reference network ("1.2 mobilenet_v2") is that many times the network's own
// value by e's counts, predictions and score.
func (e *evaluator) resolve(ctx context.Context, c config.Constraints) error {
	e.limits.bytesPerValue = c.BytesPerValue
	var list []limit
	add := func(name, key string, l config.Limit, atLeast bool) error {
		text := l.String()
		if l.Of != "" {
			net, err := networkOf(l.Of)
			if err != nil {
				return config.Usagef("constraints.%s = %q: %w", name, l, err)
			}
			r, err := e.judge(ctx, net)
			if err != nil {
				return fmt.Errorf("constraints.%s = %q: %w", name, l, err)
			}
			l.Value = l.Factor * e.value(&r, key)
		}
		list = append(list, limit{name, key, l.Value, atLeast, text})
		return nil
	}
	for _, d := range e.devices {
		for name, l := range c.MaxLatency.All() {
			if name != "" && name != d.name {
				continue
			}
			label := "max_latency"
			if d.name != "" {
				label += "@" + d.name
			}
			if err := add(label, d.key(), l, false); err != nil {
				return err
			}
		}
	}
	for _, q := range []struct {
		name, key string
		l         *config.Limit
		atLeast   bool
	}{
		{"max_params", keyParams, c.MaxParams, false},
		{"max_macs", keyMACs, c.MaxMACs, false},
		{"max_activation_bytes", keyActivations, c.MaxActivationBytes, false},
		{"max_weight_bytes", keyWeights, c.MaxWeightBytes, false},
		{"min_top1_pct", keyAccuracy, c.MinTop1Pct, true},
	} {
		if q.l == nil {
			continue
		}
		if err := add(q.name, q.key, *q.l, q.atLeast); err != nil {
			return err
		}
	}
	e.limits.list = list
	return nil
}

// noFront says why a run found nothing, and which limits to loosen if that is why.
func (ls *limits) noFront(s *search.Summary) string {
	if s.Trials == 0 {
		return fmt.Sprintf("no candidate was finished before the run ended (%s)", s.Status)
	}
	why := s.Constraints.String()
	nearest, ok := s.Constraints.Nearest()
	if !ok {
		return why // all failed
	}
	var loosen []string
	lower := false
	for i := range ls.list {
		l := &ls.list[i]
		switch {
		case nearest.Violations[l.name] <= 0:
		case l.atLeast:
			lower = true
			loosen = append(loosen, "lower "+l.name)
		default:
			loosen = append(loosen, "raise "+l.name)
		}
	}
	if len(loosen) == 0 {
		return why
	}
	why += ": " + strings.Join(loosen, " and ") + " by that"
	if !lower {
		why += ", or give the space smaller choices"
	}
	return why
}

// stored is the form in which the manifest keeps the limits.
func (ls *limits) stored() []runstore.Limit {
	out := make([]runstore.Limit, len(ls.list))
	for i, l := range ls.list {
		out[i] = runstore.Limit{Name: l.name, Key: l.key, Bound: l.bound, AtLeast: l.atLeast, Text: l.text}
	}
	return out
}
