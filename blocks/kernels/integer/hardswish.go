package integer

import "math"

// HardSwishTable returns x * relu6(x+3) / 6 of each point of in, as points of out, by the arithmetic on 16 bits of
// TensorFlow Lite's reference kernel, which is up to a step off the exact value: entry q - in.Low.
func HardSwishTable(in, out Grid) []int32 {
	const fine = 128 // the input is refined to 15 bits
	outMul, outExp := multiplier16(float64(in.Scale/fine) / float64(out.Scale))
	gateMul, gateExp := multiplier16(float64(in.Scale/fine) / (3. / 32768))
	t := make([]int32, in.High-in.Low+1)
	for i := range t {
		x := (in.Low + int32(i) - in.Zero) * fine
		gate := x // from -1 to 1 stands for -3 to 3
		if gateExp > 0 {
			gate = saturate16(gate << (gateExp - 1))
		}
		gate = highProduct(gate, gateMul)
		if gateExp > 0 {
			gate = saturate16(gate << 1)
		}
		if gateExp < 0 {
			gate = roundingShift(gate, -gateExp)
		}
		gate = (gate + 1<<15) >> 1
		y := saturate16(gate * highProduct(x, outMul) / (1 << 15)) // towards 0
		t[i] = out.Clamp(roundingShift(y, -outExp) + out.Zero)
	}
	return t
}

// multiplier16 writes v as m * 2^(exp-15) with m from 2^14 to 2^15 - 1.
func multiplier16(v float64) (m int32, exp int) {
	f, exp := math.Frexp(v)
	m32 := int64(math.Round(f * (1 << 31)))
	if m32 == 1<<31 {
		m32, exp = m32/2, exp+1
	}
	return int32(min((m32+1<<15)>>16, math.MaxInt16)), exp
}

func saturate16(v int32) int32 { return max(math.MinInt16, min(v, math.MaxInt16)) }

// highProduct is a * b / 2^15, rounded to the nearest integer, halves away from 0.
func highProduct(a, b int32) int32 {
	p := a * b
	nudge := int32(1 << 14)
	if p < 0 {
		nudge = 1 - 1<<14
	}
	return saturate16((p + nudge) / (1 << 15))
}

// roundingShift is v / 2^n, rounded to the nearest integer, halves away from 0; a negative n multiplies.
func roundingShift(v int32, n int) int32 {
	if n <= 0 {
		return v << -n
	}
	mask := int32(1)<<n - 1
	threshold := mask >> 1
	if v < 0 {
		threshold++
	}
	q := v >> n
	if v&mask > threshold {
		q++
	}
	return q
}
