// Package random names the streams of random numbers that draw what a result rests
// on: one seed gives every purpose a stream of its own, and the same one on every
// machine.
package random

import "math/rand/v2"

// numbered are streams whose second word is a number instead of the name's letters.
var numbered = map[string]uint64{
	"samples":   0, // of a space, where a command takes a seed
	"rows":      1, // of a table
	"inputs":    2, // of networks that are run to be scored
	"weights":   3, // of these networks
	"bootstrap": 4, // resamples of a benchmark's rows
	"scale":     5, // rows of a benchmark that a combined rank is a scale of
	"trained":   6, // rows of a benchmark that a surrogate is fitted to
}

// Stream returns the stream of a seed that has the name: PCG with the seed and the
// name's first eight letters. Equal names give equal streams, wherever they are
// asked for.
func Stream(seed uint64, name string) *rand.Rand {
	tag, ok := numbered[name]
	if !ok {
		for i := range min(len(name), 8) {
			tag = tag<<8 | uint64(name[i])
		}
	}
	return rand.New(rand.NewPCG(seed, tag))
}

// Mix is the output function of SplitMix64 (Steele, Lea and Flood, Fast splittable
// pseudorandom number generators, OOPSLA 2014): a bijection in which every input bit
// changes about half the output.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
