package config

import (
	"maps"
	"slices"
	"strings"

	"nas/latency/devices"
)

// Profiles of this device, as latency.profile has them.
const (
	AutoProfile      = "auto"      // the cached one, calibrated if it is missing
	SustainedProfile = "sustained" // the cached one of the hot device, which nas calibrate --sustained makes
)

// ownProfiles are the names that objectives and limits have for the profiles of this device.
var ownProfiles = map[string]string{"here": AutoProfile, "here-sustained": SustainedProfile}

// shippedProfiles adds the profiles that come with the program, and those of this device, where objectives or limits
// name them and latency.profile does not: latency@pixel4 needs no profile = {pixel4 = "pixel4"}, and latency@here no
// profile = {here = "auto"}. The profile "auto" of a config that names only such devices is not used, and so is not
// calibrated.
func (c *Config) shippedProfiles() {
	var named []string
	plain := slices.Contains(c.Search.Objectives, "latency")
	for _, o := range c.Search.Objectives {
		if name, ok := strings.CutPrefix(o, "latency@"); ok {
			named = append(named, name)
		}
	}
	for name := range c.Constraints.MaxLatency { // one without a name is of the devices that the others name
		named = append(named, name)
	}
	shipped := devices.Profiles()
	add := map[string]string{}
	for _, name := range named {
		if _, known := c.Latency.Profile[name]; known {
			continue
		}
		if own, ok := ownProfiles[name]; ok {
			add[name] = own
		} else if slices.Contains(shipped, name) {
			add[name] = name
		}
	}
	if len(add) == 0 {
		return
	}
	c.Latency.Profile = maps.Clone(c.Latency.Profile)
	maps.Copy(c.Latency.Profile, add)
	if c.Latency.Profile[""] == AutoProfile && !plain {
		delete(c.Latency.Profile, "")
	}
}
