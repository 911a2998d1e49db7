package evaluator

import (
	"errors"
	"strings"

	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
)

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
