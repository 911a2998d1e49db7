package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"nas/internal/device"
	"nas/internal/resolve"
	"nas/internal/runstore"
	"nas/latency"
)

// profileOf loads a latency profile: the file given, or the cached one of a device.
func profileOf(file string, on device.Choice) (*latency.Profile, error) {
	if file != "" {
		p, err := latency.Load(file)
		return p, usage(err)
	}
	rt, err := runtimeOf(on)
	if err != nil {
		return nil, err
	}
	dev := rt.Device()
	p, err := latency.Cached(dev)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no latency profile of %s yet: run nas calibrate "+
			"(with the same --device, --dtype and --threads), or give one with --profile", dev)
	case errors.Is(err, latency.ErrNoCache):
		return nil, usagef("%w: give a profile with --profile", err)
	}
	return p, err
}

// profileFor is profileOf for a network: without a file or device it is the profile that the run of a trial has.
func profileFor(n *resolve.Network, file string, on device.Choice) (*latency.Profile, error) {
	if own := filepath.Join(n.Run, runstore.ProfileFile); n.Run != "" && file == "" && on == (device.Choice{}) {
		if _, err := os.Stat(own); err == nil {
			file = own
		}
	}
	return profileOf(file, on)
}

// warn prints warnings about the figures.
func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		a.notef("warning: %s\n", w)
	}
}
