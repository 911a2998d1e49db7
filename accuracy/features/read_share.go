package features

import (
	"math"

	"nas/blocks"
)

// window is how a convolution or pooling reads its map, along each axis.
type window struct{ in, out, kernel, stride, dilation, pad [2]int16 }

// skips reports whether some rows of the map are read by no output.
func (w *window) skips() bool {
	for a := range 2 {
		if w.stride[a] > 1 && (w.kernel[a] < w.stride[a] || w.dilation[a] > 1) {
			return true
		}
	}
	return false
}

// window keeps what an op reads of a map of shape src. A branch beside the last op that was
// kept, which a map of another size tells, is kept in its place if that one skips rows.
func (r *reader) window(kernel, stride, dilation *[2]int, pad *blocks.Pad, src, out *blocks.Shape) {
	if src.IsVector() {
		return
	}
	k := len(r.windows)
	if k > 0 && (src.H != r.size.H || src.W != r.size.W) {
		if last := &r.windows[k-1]; !last.skips() || last.in != [2]int16{int16(src.H), int16(src.W)} {
			return
		}
		k--
	}
	w := window{in: [2]int16{int16(src.H), int16(src.W)}, out: [2]int16{int16(out.H), int16(out.W)}}
	pads := [2]int{pad.Top, pad.Left}
	for a := range 2 {
		w.kernel[a], w.stride[a], w.dilation[a] = int16(kernel[a]), int16(stride[a]), int16(dilation[a])
		w.pad[a] = int16(pads[a])
	}
	r.size = *out
	r.windows = append(r.windows[:k], w)
	r.skips = r.skips || w.skips()
}

// readShares follows what is read back from the last map of a chain, whose values are all read.
// input is the share of the input's pixels that reach it. inner sums, over the maps in between,
// log2 of how much less of a map is read than of what is made of it.
func readShares(chain []*Blocks) (input, inner float64) {
	var ws []*window
	for _, b := range chain {
		for i := range b.windows {
			ws = append(ws, &b.windows[i])
		}
	}
	if len(ws) == 0 {
		return 1, 0
	}
	shares := make([]float64, len(ws)+1) // of the map that a window reads
	for i := range shares {
		shares[i] = 1
	}
	for a := range 2 {
		var read []bool // rows of the map that the next window reads; none is all
		for i := len(ws) - 1; i >= 0; i-- {
			w := ws[i]
			read = w.reads(a, read)
			n := 0
			for _, yes := range read {
				if yes {
					n++
				}
			}
			shares[i] *= float64(n) / float64(len(read))
		}
	}
	for i := 1; i < len(ws); i++ {
		if shares[i] < shares[i+1] {
			inner += math.Log2(shares[i+1] / shares[i])
		}
	}
	return shares[0], inner
}

// reads returns the rows of the map, along axis a, that the wanted outputs read.
func (w *window) reads(a int, wanted []bool) []bool {
	n := int(w.in[a])
	rows := make([]bool, n)
	for j := range int(w.out[a]) {
		if len(wanted) == int(w.out[a]) && !wanted[j] {
			continue // maps of other sizes, as a resized one, are read whole
		}
		for t := range int(w.kernel[a]) {
			if y := j*int(w.stride[a]) - int(w.pad[a]) + t*int(w.dilation[a]); y >= 0 && y < n {
				rows[y] = true
			}
		}
	}
	return rows
}
