package space

import (
	"slices"

	"nas/blocks"
)

// widths tabulates what the choices of a gene of channels become after the width multiplier.
type widths struct {
	eff [][]int // channels by width and choice
	// as[w][c] has bit v set if some choice gives eff[w][c] at width v too.
	as [][]uint64
}

func newWidths(channels []int, ws []float64, rule string, d divisor) widths {
	t := widths{make([][]int, len(ws)), make([][]uint64, len(ws))}
	for w, width := range ws {
		t.eff[w] = scaled(channels, width, rule, d)
	}
	for w := range ws {
		t.as[w] = make([]uint64, len(channels))
		for c, n := range t.eff[w] {
			for v := range ws {
				if slices.Contains(t.eff[v], n) {
					t.as[w][c] |= 1 << v
				}
			}
		}
	}
	return t
}

// reach returns every number of channels that a choice can give, with the widths at which
// one does, a bit for each.
func (t *widths) reach() map[int]uint64 {
	m := map[int]uint64{}
	for w := range t.eff {
		for c, n := range t.eff[w] {
			m[n] |= t.as[w][c]
		}
	}
	return m
}

// scaled applies the width multiplier to each of a gene's choices.
func scaled(channels []int, width float64, rule string, d divisor) []int {
	if rule == "never" || rule == "up" && width < 1 {
		width = 1
	}
	out := make([]int, len(channels))
	for i, n := range channels {
		if out[i] = n; n > 0 {
			out[i] = d.scale(n, width)
		}
	}
	return out
}

// scale applies a width multiplier to a number of channels as the config gives it. A
// multiplier of 1 changes nothing.
func (d divisor) scale(channels int, width float64) int {
	if width == 1 {
		return channels
	}
	return d.round(float64(channels) * width)
}

// divisor is the number of which every scaled number of channels is a multiple.
type divisor int

// usualDivisor is the divisor of a Spec that names none.
const usualDivisor divisor = 8

// round is the rule for every scaled number of channels: to the nearest multiple of d, never
// below 90 %.
func (d divisor) round(v float64) int { return blocks.MakeDivisible(v, int(d)) }
