package config

import (
	"maps"
	"slices"
	"strings"

	"nas/latency/devices"
)

// shippedProfiles adds the profiles that come with the program where objectives or limits name them and
// latency.profile does not: latency@pixel4 needs no profile = {pixel4 = "pixel4"}. The profile "auto" of a config that
// names only such devices is not used, and so is not calibrated.
func (c *Config) shippedProfiles() {
	var named []string
	plain := slices.Contains(c.Search.Objectives, "latency")
	for _, o := range c.Search.Objectives {
		if name, ok := strings.CutPrefix(o, "latency@"); ok {
			named = append(named, name)
		}
	}
	for name := range c.Constraints.MaxLatency {
		named = append(named, name)
		plain = plain || name == ""
	}
	shipped := devices.Profiles()
	var add []string
	for _, name := range named {
		if _, known := c.Latency.Profile[name]; !known && slices.Contains(shipped, name) {
			add = append(add, name)
		}
	}
	if len(add) == 0 {
		return
	}
	c.Latency.Profile = maps.Clone(c.Latency.Profile)
	for _, name := range add {
		c.Latency.Profile[name] = name
	}
	if c.Latency.Profile[""] == "auto" && !plain {
		delete(c.Latency.Profile, "")
	}
}
