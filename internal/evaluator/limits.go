package evaluator

import (
	"context"
	"fmt"

	"nas/internal/config"
	"nas/internal/profiles"
	"nas/internal/resolve"
	"nas/internal/runstore"
)

// constraint is a row of the config's constraints.
type constraint struct {
	name, key string
	limit     *config.Limit // nil: not set
	atLeast   bool
}

// constraintsOf lists the constraints of a config. A latency without a device's name bounds every device.
func constraintsOf(c *config.Constraints, devices []*profiles.Device) (rows []constraint) {
	for _, d := range devices {
		for name, l := range c.MaxLatency.All() {
			if name != "" && name != d.Name {
				continue
			}
			label := "max_latency"
			if d.Name != "" {
				label += "@" + d.Name
			}
			rows = append(rows, constraint{label, d.Latency.Key(), &l, false})
		}
	}
	return append(rows,
		constraint{"max_params", runstore.KeyParams, c.MaxParams, false},
		constraint{"max_macs", runstore.KeyMACs, c.MaxMACs, false},
		constraint{"max_activation_bytes", runstore.KeyActivations, c.MaxActivationBytes, false},
		constraint{"max_weight_bytes", runstore.KeyWeights, c.MaxWeightBytes, false},
		constraint{"min_top1_pct", runstore.KeyAccuracy, c.MinTop1Pct, true},
	)
}

// resolveLimits turns the config's constraints into bounds. A limit in terms of a reference network
// ("1.2 mobilenet_v2") is that many times the network's own value by the evaluator's counts,
// predictions and score.
func (e *Evaluator) resolveLimits(ctx context.Context, c *config.Constraints) (limits []runstore.Limit, err error) {
	unlimited := e.withLimits(nil)
	for _, c := range constraintsOf(c, e.Devices) {
		if c.limit == nil {
			continue
		}
		bound := c.limit.Value
		if c.limit.Of != "" {
			net, err := resolve.NetworkOf(c.limit.Of)
			if err != nil {
				return nil, config.Usagef("constraints.%s = %q: %w", c.name, c.limit, err)
			}
			r, err := unlimited.Judge(ctx, net)
			if err != nil {
				return nil, fmt.Errorf("constraints.%s = %q: %w", c.name, c.limit, err)
			}
			bound = c.limit.Factor * runstore.Number(&r, c.key)
		}
		limits = append(limits, runstore.Limit{
			Name: c.name, Key: c.key, Bound: bound, AtLeast: c.atLeast, Text: c.limit.String(),
		})
	}
	return limits, nil
}
