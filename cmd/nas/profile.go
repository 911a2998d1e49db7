package main

import (
	"errors"
	"fmt"
	"io/fs"

	"nas/latency"
)

// profileOf loads a latency profile: the file given, or the cached one of this
// machine.
func profileOf(file string, threads int) (*latency.Profile, error) {
	if file != "" {
		p, err := latency.Load(file)
		return p, usage(err)
	}
	if threads < 1 {
		return nil, usagef("--threads %d: want at least 1", threads)
	}
	dev := latency.NewNative(threads).Device()
	p, err := latency.Cached(dev)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("this machine has no latency profile for %s yet: run nas calibrate --threads %d, or give one with --profile", dev, threads)
	case errors.Is(err, latency.ErrNoCache):
		return nil, usagef("%w: give a profile with --profile", err)
	}
	return p, err
}

// warn shows what a reader of the figures must know.
func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		fmt.Fprintln(a.stderr, "warning: "+w)
	}
}
