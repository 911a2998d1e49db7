package main

import (
	"errors"
	"io/fs"

	"nas/latency"
)

// profileOf loads a latency profile: the file given, or the cached one of a device.
func profileOf(file, device string, threads int) (*latency.Profile, error) {
	if file != "" {
		p, err := latency.Load(file)
		return p, usage(err)
	}
	rt, err := runtimeOf(device, threads)
	if err != nil {
		return nil, err
	}
	dev := rt.Device()
	p, err := latency.Cached(dev)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no latency profile of %s yet: run nas calibrate "+
			"(with the same --device and --threads), or give one with --profile", dev)
	case errors.Is(err, latency.ErrNoCache):
		return nil, usagef("%w: give a profile with --profile", err)
	}
	return p, err
}

// warn prints warnings about the figures.
func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		a.notef("warning: %s\n", w)
	}
}
