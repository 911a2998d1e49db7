package main

import (
	"nas/internal/device"
	"nas/latency/timing"
)

// deviceForms says what --device understands.
var deviceForms = device.Forms

// runtimeOf returns the runtime that --device names. Errors in the name or in the
// recipe are mistakes of usage.
func runtimeOf(name string, threads int) (timing.Runtime, error) {
	if threads < 0 {
		return nil, usagef("--threads %d: want at least 1", threads)
	}
	rt, err := device.Runtime(name, threads)
	if err != nil {
		return nil, usagef("--device %s: %w", name, err)
	}
	return rt, nil
}
