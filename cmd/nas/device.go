package main

import (
	"github.com/spf13/cobra"

	"nas/internal/device"
	"nas/latency/timing"
)

// deviceForms says what --device understands.
var deviceForms = device.Forms

// deviceFlags adds --device, --dtype and --threads.
func deviceFlags(cmd *cobra.Command, c *device.Choice, what, threads string) {
	f := cmd.Flags()
	f.StringVar(&c.Device, "device", "", what+": "+deviceForms)
	f.StringVar(&c.DType, "dtype", "",
		"float32 or int8, the type of weights and activations (default: the device's, or float32)")
	f.IntVar(&c.Threads, "threads", 0, threads+" (default 1, or the recipe's)")
}

// runtimeOf returns the runtime that --device and --dtype name. Errors in the name or in the
// recipe are mistakes of usage.
func runtimeOf(c device.Choice) (timing.Runtime, error) {
	if c.Threads < 0 {
		return nil, usagef("--threads %d: want at least 1", c.Threads)
	}
	rt, err := c.Runtime()
	switch {
	case err != nil && c.Device == "":
		return nil, usagef("--dtype %s: %w", c.DType, err)
	case err != nil:
		return nil, usagef("--device %s: %w", c.Device, err)
	}
	return rt, nil
}
