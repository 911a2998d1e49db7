// Package timing times networks on devices. A [Runtime] stands for a device with the
// software that runs networks on it: package native is this machine with the kernels of
// package engine, package recipe is any program that times a model file. It knows nothing
// of cost models: package latency makes profiles of what it measures.
//
// A network is measured in several rounds, with other networks in between (rounds.go).
// What remains doubtful is a warning that travels with the sample or the profile.
//
// # What it cannot see
//
// Sustained heat, unless asked for (MeasureOptions.Sustained), and the interplay of
// networks that run at the same time.
package timing
