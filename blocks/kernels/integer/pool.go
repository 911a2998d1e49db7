package integer

// MaxPool keeps the largest value of each window. Both sides have one grid, but for out's limits.
func MaxPool(dst, src []int32, s Window, out Grid) {
	s.each(src, func(at int, window []int32) {
		m := window[0]
		for _, q := range window {
			m = max(m, q)
		}
		dst[at] = out.Clamp(m)
	})
}

// AveragePool keeps the mean of each window's values inside the input, rounded to the nearest integer, halves away
// from 0. Both sides have one grid, but for out's limits.
func AveragePool(dst, src []int32, s Window, out Grid) {
	s.each(src, func(at int, window []int32) {
		n := int32(len(window))
		sum, half := int32(0), n/2
		for _, q := range window {
			sum += q
		}
		if sum < 0 {
			half = -half
		}
		dst[at] = out.Clamp((sum + half) / n)
	})
}

// mean divides by multiplying with a scale.
func mean(values []int32, in, out Grid) int32 {
	var sum int32
	for _, q := range values {
		sum += q - in.Zero
	}
	return out.requantize(sum, in.Scale/(out.Scale*float32(len(values))))
}

// each calls f with the values inside the input of each window and channel.
func (s Window) each(src []int32, f func(at int, window []int32)) {
	window := make([]int32, 0, s.KH*s.KW)
	for y := range s.OutH {
		for x := range s.OutW {
			for c := range s.OutC {
				window = window[:0]
				for iy := max(0, y*s.StrideH-s.Top); iy < min(s.H, y*s.StrideH-s.Top+s.KH); iy++ {
					for ix := max(0, x*s.StrideW-s.Left); ix < min(s.W, x*s.StrideW-s.Left+s.KW); ix++ {
						window = append(window, src[(iy*s.W+ix)*s.C+c])
					}
				}
				f((y*s.OutW+x)*s.OutC+c, window)
			}
		}
	}
}

// Mean takes the mean over all pixels of each of c channels.
func Mean(dst, src []int32, c int, in, out Grid) {
	values := make([]int32, len(src)/c)
	for k := range c {
		for i := range values {
			values[i] = src[i*c+k]
		}
		dst[k] = mean(values, in, out)
	}
}
