package search

// EstimateFinal estimates the value after the last rung of a trial that was stopped. reached are its values so far,
// one a rung; finished are those of trials that came to the last one. From the second finished trial on the gains of
// these count, and from the fifth on a straight line through them, so that a low value may gain more than a high one.
// Without any, it is the value reached.
func EstimateFinal(reached []float64, finished [][]float64) float64 {
	at := len(reached) - 1
	x := reached[at]
	n := float64(len(finished))
	if n == 0 {
		return x
	}
	var meanX, meanY float64
	for _, f := range finished {
		meanX += f[at] / n
		meanY += f[len(f)-1] / n
	}
	slope := 1.0
	if len(finished) >= 5 {
		var xx, xy float64
		for _, f := range finished {
			dx, dy := f[at]-meanX, f[len(f)-1]-meanY
			xx += dx * dx
			xy += dx * dy
		}
		if xx > 0 {
			slope = min(1, max(0, xy/xx)) // a worse start does not end better, nor loses more on the way
		}
	}
	return meanY + slope*(x-meanX)
}
