// Package native times networks on this machine, with the kernels of package engine.
//
// Each kernel is timed inside a running network, on the activations of the one before:
// repeated by itself it would find its data in a nearer cache. A session (internal/host)
// locks the goroutine to its thread, binds the thread to a core and turns the garbage
// collector off.
//
// On a shared host, work of other programs and of other virtual machines on the same core
// slows a kernel down for fractions of a millisecond to seconds at a time. Three
// observations tell such moments from quiet ones:
//
//   - Kernel calls are cut into segments of about twenty microseconds (engine.Trace), and
//     a probe (probe.go) runs after each. A segment counts as quiet where the probes before
//     and after it took as long as on an undisturbed core. The time of a network is put
//     together from the quiet runs of each segment (timing.Segments), since a network that
//     takes longer than the quiet moments last has hardly any run that is quiet throughout.
//   - A reference network is timed between the runs. Where too few segments were quiet,
//     runs are divided by the slowdown of the reference beside them (recording.go).
//   - The system counts how often another task took the core. Such runs are left out; where
//     nearly all are like that, the time on the core counts in place of the wall time.
package native
