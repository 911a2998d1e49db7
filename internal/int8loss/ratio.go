package int8loss

import "math"

// mostDB bounds a ratio in decibels: that of equal values.
const mostDB = 150

// ratio sums signal and noise, value by value.
type ratio struct{ signal, noise float64 }

func (r *ratio) add(want, got []float32) {
	for i, v := range want {
		d := float64(got[i]) - float64(v)
		r.signal += float64(v) * float64(v)
		r.noise += d * d
	}
}

// db is 10 log10(signal/noise), from -mostDB to mostDB.
func (r ratio) db() float64 {
	switch {
	case r.noise == 0:
		return mostDB
	case r.signal == 0:
		return -mostDB
	}
	return min(max(10*math.Log10(r.signal/r.noise), -mostDB), mostDB)
}

// channels are ratios of each channel of a map, H x W x C.
type channels []ratio

func (c channels) add(want, got []float32) {
	for i, v := range want {
		d, r := float64(got[i])-float64(v), &c[i%len(c)]
		r.signal += float64(v) * float64(v)
		r.noise += d * d
	}
}

// all is the ratio over all channels.
func (c channels) all() (sum ratio) {
	for _, r := range c {
		sum.signal, sum.noise = sum.signal+r.signal, sum.noise+r.noise
	}
	return sum
}

// worst returns the channel with the lowest ratio among those that have a signal.
func (c channels) worst() (channel int, db float64) {
	db = mostDB
	for k, r := range c {
		if v := r.db(); r.signal > 0 && v < db {
			channel, db = k, v
		}
	}
	return channel, db
}
