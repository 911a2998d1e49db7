package features

import (
	"math"

	"nas/blocks"
)

// window is how a convolution or pooling reads its map, along each axis.
type window struct{ in, out, kernel, stride, dilation, pad [2]int }

// windowed are the nodes of some blocks that read their map by windows, along the way.
type windowed struct {
	network *blocks.Network
	nodes   []int
	windows []window // of these nodes, where the network was let go of
}

// letGo keeps what is needed of the network, which others may drop then.
func (w *windowed) letGo() {
	if len(w.nodes) > 0 {
		w.windows = w.all(make([]window, 0, len(w.nodes)))
	}
	w.network, w.nodes = nil, nil
}

// all appends the windows to ws.
func (w *windowed) all(ws []window) []window {
	for _, i := range w.nodes {
		ws = append(ws, windowOf(w.network, i))
	}
	return append(ws, w.windows...)
}

// windowOf returns how node i of n, a convolution or pooling, reads its map.
func windowOf(n *blocks.Network, i int) (w window) {
	nd := &n.Nodes[i]
	src := n.Nodes[nd.Inputs[0]].Shape
	w.in, w.out = [2]int{src.H, src.W}, [2]int{nd.Shape.H, nd.Shape.W}
	op := nd.Op
	if c, ok := op.(*blocks.CondConv); ok {
		op = c.Convolution()
	}
	switch op := op.(type) {
	case *blocks.Conv:
		w.kernel, w.stride, w.dilation = op.Window()
		w.pad = [2]int{op.Pad.Top, op.Pad.Left}
	case *blocks.Pool:
		w.kernel, w.stride, w.dilation = op.Window()
		w.pad = [2]int{op.Pad.Top, op.Pad.Left}
	}
	return w
}

// skipsRows reports whether a window leaves some rows or columns of its map unread.
func skipsRows(kernel, stride, dilation *[2]int) bool {
	for a := range 2 {
		if stride[a] > 1 && (kernel[a] < stride[a] || dilation[a] > 1) {
			return true
		}
	}
	return false
}

// window keeps node i, which reads a map of shape src by windows that may skip rows. A branch
// beside the last op that was kept, which a map of another size tells, is kept in its place if
// that one skips rows.
func (r *reader) window(i int, src, out *blocks.Shape, skips bool) {
	if src.IsVector() {
		return
	}
	nodes := r.windowed.nodes
	k := len(nodes)
	if k > 0 && (src.H != r.made.H || src.W != r.made.W) {
		if !r.skipped || src.H != r.read.H || src.W != r.read.W {
			return
		}
		k--
	}
	r.windowed.nodes = append(nodes[:k], i)
	r.read, r.made, r.skipped = *src, *out, skips
	r.skips = r.skips || skips
}

// readShares follows what is read back from the last map of a chain, whose values are all read.
// input is the share of the input's pixels that reach it. inner sums, over the maps in between,
// log2 of how much less of a map is read than of what is made of it.
func readShares(chain []*Blocks) (input, inner float64) {
	var ws []window
	for _, b := range chain {
		ws = b.windowed.all(ws)
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
			w := &ws[i]
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
	n := w.in[a]
	rows := make([]bool, n)
	for j := range w.out[a] {
		if len(wanted) == w.out[a] && !wanted[j] {
			continue // maps of other sizes, as a resized one, are read whole
		}
		for t := range w.kernel[a] {
			if y := j*w.stride[a] - w.pad[a] + t*w.dilation[a]; y >= 0 && y < n {
				rows[y] = true
			}
		}
	}
	return rows
}
