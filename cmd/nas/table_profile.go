package main

import (
	"path/filepath"
	"strings"

	"nas/blocks"
	"nas/internal/boundedfile"
	"nas/internal/device"
	"nas/internal/plural"
	"nas/latency"
	"nas/latency/timing"
)

// tableFlags are the flags of nas calibrate that describe measurements taken elsewhere.
type tableFlags struct {
	from, measurements, base, out    string
	name, cpu, runtime, source, only string
	on                               device.Choice // its type and threads
}

// fromTable makes a profile without measuring anything.
func (a *app) fromTable(o tableFlags) error {
	path := o.from
	switch {
	case o.from != "" && o.measurements != "":
		return usagef("--from and --measurements exclude each other")
	case o.measurements != "" && o.base == "":
		return usagef("--measurements adapts a profile: say which with --base")
	case o.out == "":
		return usagef("--out is missing: a profile of another device is not kept in the cache")
	case o.measurements != "":
		path = o.measurements
	}
	if err := a.place("--out", o.out); err != nil {
		return err
	}
	if o.name == "" {
		o.name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	if o.cpu == "" {
		o.cpu = o.name
	}
	if o.runtime == "" {
		o.runtime = "measurements"
	}
	opts := latency.TableOptions{
		Device: timing.Device{Name: o.name, CPU: o.cpu, Runtime: o.runtime, DType: o.on.DType, Threads: max(1, o.on.Threads)},
		Source: o.source, Only: o.only,
		Network: func(text string) (*blocks.Network, error) {
			n, err := find(text)
			if err != nil {
				return nil, err
			}
			return n.Network, nil
		},
	}
	if o.base != "" {
		base, err := latency.Load(o.base)
		if err != nil {
			return usage(err)
		}
		opts.Base = base
	}
	f, err := boundedfile.Open(path)
	if err != nil {
		return usage(err)
	}
	defer f.Close()
	p, err := latency.FromTable(f, path, opts)
	if err != nil {
		return usage(err)
	}
	if err := a.save(o.out, p.Write); err != nil {
		return err
	}
	if a.json {
		return a.writeProfile(p, o.out, 0)
	}
	a.printf("%s: %s, from %s and %s\n", o.out, p.Device, plural.Of(len(p.Units), "kernel"),
		plural.Of(len(p.HeldOut), "network"))
	a.warn(p.Warnings)
	return nil
}
