package config

import (
	"fmt"
	"strconv"
	"time"
)

// slips warns of values that are allowed and probably mean something else: a unit is missing.
func (c *Config) slips() {
	k := &c.Constraints
	plain := func(key string, l *Limit, least float64, unit, example string) {
		if l != nil && l.Of == "" && l.quantity == anything && l.Value < least {
			c.Warn(key, l.String(), fmt.Sprintf("that is %s %s: did you mean %q?", l.String(), unit, example))
		}
	}
	for name, l := range k.MaxLatency.All() {
		key := join("constraints.max_latency", name)
		plain(key, &l, 0.05, "ms", l.String()+"s")
		if l.Of == "" && l.quantity == anything && l.Value > 10_000 {
			c.Warn(key, l.String(), fmt.Sprintf("that is %s ms: did you mean %q?", l.String(), l.String()+"us"))
		}
	}
	plain("constraints.max_params", k.MaxParams, 1000, "parameters", k.MaxParams.text()+"M")
	plain("constraints.max_macs", k.MaxMACs, 100_000, "multiply-accumulates", k.MaxMACs.text()+"M")
	plain("constraints.max_activation_bytes", k.MaxActivationBytes, 4096, "bytes", k.MaxActivationBytes.text()+"kB")
	plain("constraints.max_weight_bytes", k.MaxWeightBytes, 4096, "bytes", k.MaxWeightBytes.text()+"kB")
	if l := k.MinTop1Pct; l != nil && l.Of == "" && l.quantity == anything && l.Value > 0 && l.Value < 1 {
		c.Warn("constraints.min_top1_pct", l.String(), fmt.Sprintf("that is %s per cent: did you mean %.4g?", l.String(),
			100*l.Value))
	}
	if n, m := c.Search.Trials, int(c.Search.Evaluations); n > 0 && n < m {
		c.Warn("search.trials", strconv.Itoa(n), fmt.Sprintf("it ends the search before its %d evaluations: "+
			"did you mean a larger number?", m))
	}
	if t := time.Duration(c.Search.Timeout); t > 0 && t < 20*time.Millisecond {
		c.Warn("search.timeout", strconv.Quote(t.String()), "a score takes longer, as a rule: did you mean seconds?")
	}
	if t := time.Duration(c.Search.Time); t > 0 && t < time.Second {
		c.Warn("search.time", strconv.Quote(t.String()), "a search finds little in that: did you mean minutes?")
	}
}
