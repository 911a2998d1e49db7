package main

import (
	"nas/internal/device"
	"nas/latency/timing"
)

// deviceForms says what --device understands.
var deviceForms = device.Forms

// runtimeOf returns what times networks; what is wrong with its name, or with
// the recipe, is wrong use.
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
