package evaluator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nas/accuracy"
	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/resolve"
	"nas/search"
)

// Check is the [config.Check] of everything that a config names and only other
// packages know: algorithms, scores, networks.
func Check(c *config.Config, report func(key, value, want string)) {
	if a := c.Search.Algorithm; a != config.Auto && !slices.Contains(search.Algorithms(), a) {
		want := "want " + config.Auto + " or one of " + strings.Join(search.Algorithms(), ", ")
		report("search.algorithm", strconv.Quote(a), want)
	}
	if err := accuracy.CheckSpec(c.Accuracy.Proxy); err != nil {
		report("accuracy.proxy", strconv.Quote(c.Accuracy.Proxy), err.Error())
	} else if err := accuracy.CheckRecipe(c.Accuracy.Proxy, c.Accuracy.Recipe); err != nil {
		report("accuracy.recipe", strconv.Quote(c.Accuracy.Recipe), fault.Text(err))
	}
	if c.Constraints.MinTop1Pct != nil && !accuracy.IsPercent(c.Accuracy.Proxy) {
		report("constraints.min_top1_pct", c.Constraints.MinTop1Pct.String(), fmt.Sprintf(
			"want none with accuracy.proxy = %q, which is no per cent of images: leave it out, or take the proxy imagenet",
			c.Accuracy.Proxy))
	}
	for i, name := range c.Search.Start {
		if _, err := resolve.ArchOf(name); err != nil {
			report(fmt.Sprintf("search.start[%d]", i+1), strconv.Quote(name), err.Error())
		}
	}
	network := func(key string, l *config.Limit) {
		if l == nil || l.Of == "" {
			return
		}
		if _, err := resolve.NetworkOf(l.Of); err != nil {
			report(key, strconv.Quote(l.String()), err.Error())
		}
	}
	for name, l := range c.Constraints.MaxLatency.All() {
		key := "constraints.max_latency"
		if name != "" {
			key += "." + name
		}
		network(key, &l)
	}
	for _, r := range constraintsOf(&c.Constraints, nil) {
		network("constraints."+r.name, r.limit)
	}
}
