// Package profiles finds the latency profiles that a config names: files, those of a run that is resumed, and that of
// this device, which is cached, held against what the device does now, extended, or calibrated on networks of
// the space.
package profiles
