package train

import "nas/blocks"

// window is what a pooling window reads: the rows and the columns inside of the map.
type window struct{ y, x []int }

// windows returns the windows of a pooling layer, and for each the number by which a mean is divided.
func windows(op *blocks.Pool, in, out blocks.Shape) (ws []window, counts []int) {
	k, s, d := op.Window()
	along := func(p, k, d, lo, hi int) (at []int) {
		for i := range k {
			if q := p + i*d; q >= lo && q < hi {
				at = append(at, q)
			}
		}
		return at
	}
	for y := range out.H {
		for x := range out.W {
			y0, x0 := y*s[0]-op.Pad.Top, x*s[1]-op.Pad.Left
			w := window{along(y0, k[0], d[0], 0, in.H), along(x0, k[1], d[1], 0, in.W)}
			n := len(w.y) * len(w.x)
			if op.CountPad {
				n = len(along(y0, k[0], d[0], -op.Pad.Top, in.H+op.Pad.Bottom)) *
					len(along(x0, k[1], d[1], -op.Pad.Left, in.W+op.Pad.Right))
			}
			ws, counts = append(ws, w), append(counts, n)
		}
	}
	return ws, counts
}

func lowerPool(l *lowering, n *node) (layer, error) {
	op, s := n.Op.(*blocks.Pool), n.shapes[0]
	ws, counts := windows(op, s, n.Shape)
	dIn := l.gradient(n.Inputs[0])
	if op.Pool == blocks.MaxPool {
		reads := func(out int, f func(in int)) {
			w, c := &ws[out/s.C], out%s.C
			for _, y := range w.y {
				for _, x := range w.x {
					f((y*s.W+x)*s.C + c)
				}
			}
		}
		return &largest{reads: reads, in: n.in[0], out: n.out, dIn: dIn, dOut: n.dOut}, nil
	}
	taps := make([][]tap, len(ws))
	for p, w := range ws {
		for _, y := range w.y {
			for _, x := range w.x {
				taps[p] = append(taps[p], tap{int32(y*s.W + x), 1 / float32(counts[p])})
			}
		}
	}
	return &blend{c: s.C, taps: taps, in: n.in[0], out: n.out, dIn: dIn, dOut: n.dOut}, nil
}

// everyPixel has one output, which reads all pixels.
func everyPixel(s blocks.Shape, weight float32) [][]tap {
	all := make([]tap, s.Pixels())
	for i := range all {
		all[i] = tap{int32(i), weight}
	}
	return [][]tap{all}
}

func lowerGlobalPool(l *lowering, n *node) (layer, error) {
	s, dIn := n.shapes[0], l.gradient(n.Inputs[0])
	if n.Op.(*blocks.GlobalPool).Pool == blocks.MaxPool {
		reads := func(out int, f func(in int)) {
			for p := range s.Pixels() {
				f(p*s.C + out)
			}
		}
		return &largest{reads: reads, in: n.in[0], out: n.out, dIn: dIn, dOut: n.dOut}, nil
	}
	return &blend{c: s.C, taps: everyPixel(s, 1/float32(s.Pixels())), in: n.in[0], out: n.out, dIn: dIn, dOut: n.dOut}, nil
}

func lowerSumPixels(l *lowering, n *node) (layer, error) {
	s := n.shapes[0]
	return &blend{c: s.C, taps: everyPixel(s, 1), in: n.in[0], out: n.out, dIn: l.gradient(n.Inputs[0]), dOut: n.dOut}, nil
}

func lowerResize(l *lowering, n *node) (layer, error) {
	op, s := n.Op.(*blocks.Resize), n.shapes[0]
	var taps [][]tap
	for y := range op.H {
		y0, y1, fy := op.Taps(y, op.H, s.H)
		for x := range op.W {
			x0, x1, fx := op.Taps(x, op.W, s.W)
			var list []tap
			for _, t := range []struct {
				y, x int
				f    float64
			}{{y0, x0, (1 - fy) * (1 - fx)}, {y0, x1, (1 - fy) * fx}, {y1, x0, fy * (1 - fx)}, {y1, x1, fy * fx}} {
				if t.f != 0 {
					list = append(list, tap{int32(t.y*s.W + t.x), float32(t.f)})
				}
			}
			taps = append(taps, list)
		}
	}
	return &blend{c: s.C, taps: taps, in: n.in[0], out: n.out, dIn: l.gradient(n.Inputs[0]), dOut: n.dOut}, nil
}

func lowerChannelPool(l *lowering, n *node) (layer, error) {
	c, dIn := n.shapes[0].C, l.gradient(n.Inputs[0])
	if n.Op.(*blocks.ChannelPool).Pool == blocks.MaxPool {
		reads := func(out int, f func(in int)) {
			for k := range c {
				f(out*c + k)
			}
		}
		return &largest{reads: reads, in: n.in[0], out: n.out, dIn: dIn, dOut: n.dOut}, nil
	}
	return &channelMean{c: c, in: n.in[0], out: n.out, dIn: dIn, dOut: n.dOut}, nil
}

func lowerChannelConv(l *lowering, n *node) (layer, error) {
	return &channelConv{m: l.m, weight: l.m.place(n.i, 0), k: n.Op.(*blocks.ChannelConv).Kernel, in: n.in[0], out: n.out,
		dIn: l.gradient(n.Inputs[0]), dOut: n.dOut}, nil
}
