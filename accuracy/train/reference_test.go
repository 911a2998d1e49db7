package train

import (
	"math"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/blocks/kernels/kernelstest"
)

// reference computes the mean loss of a network in float64, op by op as their comments define them, with the statistics
// of the batch. params are the tensors of each node.
func reference(n *blocks.Network, params [][][]float64, batch [][]float64, labels []int, smoothing float64) float64 {
	maps := make([][][]float64, len(n.Nodes)) // of each node and image
	maps[0] = batch
	for i := 1; i < len(n.Nodes); i++ {
		nd := &n.Nodes[i]
		in := make([][][]float64, len(nd.Inputs))
		for k, j := range nd.Inputs {
			in[k] = maps[j]
		}
		maps[i] = make([][]float64, len(batch))
		for b := range batch {
			maps[i][b] = make([]float64, nd.Shape.Elems())
			if nd.Op.Kind() != "bn" {
				one := make([][]float64, len(in))
				for k := range in {
					one[k] = in[k][b]
				}
				referenceOp(nd.Op, maps[i][b], one, nd.Shape, n.InShapes(i), params[i])
			}
		}
		if op, ok := nd.Op.(*blocks.BatchNorm); ok {
			var x []float64
			for _, one := range in[0] {
				x = append(x, one...)
			}
			y := make([]float64, len(x))
			kernelstest.Norm(y, x, params[i][0], params[i][1], op.Eps())
			for b := range batch {
				copy(maps[i][b], y[b*nd.Shape.Elems():])
			}
		}
	}
	loss := 0.0
	for b, logits := range maps[len(n.Nodes)-1] {
		l, _ := crossEntropy(make([]float64, len(logits)), logits, labels[b], smoothing, 1)
		loss += l / float64(len(batch))
	}
	return loss
}

// referenceOp computes an op for one image.
func referenceOp(op blocks.Op, y []float64, in [][]float64, out blocks.Shape, shapes []blocks.Shape,
	params [][]float64) {
	x, s := in[0], shapes[0]
	switch o := op.(type) {
	case *blocks.Conv:
		k, stride, d := o.Window()
		g := kernels.Conv{H: s.H, W: s.W, C: s.C, OH: out.H, OW: out.W, N: out.C, KH: k[0], KW: k[1], SH: stride[0],
			SW: stride[1], DH: d[0], DW: d[1], PadT: o.Pad.Top, PadL: o.Pad.Left, Groups: o.G()}
		kernelstest.Conv(&g, y, x, params[0], biasOf(o.Bias, params))
	case *blocks.Linear:
		g := kernels.Conv{H: 1, W: 1, C: len(x), OH: 1, OW: 1, N: o.Out, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
		kernelstest.Conv(&g, y, x, params[0], biasOf(o.Bias, params))
	case *blocks.Activation:
		for i, v := range x {
			y[i] = kernelstest.Act(activations[o.Func], v)
		}
	case *blocks.Add:
		for _, t := range in {
			for i, v := range t {
				y[i] += v
			}
		}
	case *blocks.Mul:
		for i, v := range x {
			switch b := in[1]; shapes[1] {
			case s:
				y[i] = v * b[i]
			case blocks.Shape{H: 1, W: 1, C: s.C}:
				y[i] = v * b[i%s.C]
			default:
				y[i] = v * b[i/s.C]
			}
		}
	case *blocks.Pool:
		referencePool(o, y, x, out, s)
	case *blocks.GlobalPool:
		reduceInto(y, x, o.Pool, func(i int) int { return i % s.C }, s.Pixels())
	case *blocks.ChannelPool:
		reduceInto(y, x, o.Pool, func(i int) int { return i / s.C }, s.C)
	case *blocks.SumPixels:
		reduceInto(y, x, blocks.AvgPool, func(i int) int { return i % s.C }, 1)
	case *blocks.Resize:
		for i := range y {
			py, px, c := i/out.C/out.W, i/out.C%out.W, i%out.C
			y0, y1, fy := o.Taps(py, o.H, s.H)
			x0, x1, fx := o.Taps(px, o.W, s.W)
			at := func(y, x int) float64 { return in[0][(y*s.W+x)*s.C+c] }
			y[i] = (1-fy)*((1-fx)*at(y0, x0)+fx*at(y0, x1)) + fy*((1-fx)*at(y1, x0)+fx*at(y1, x1))
		}
	case *blocks.ChannelConv:
		for c := range y {
			for i, w := range params[0] {
				if k := c + i - o.Kernel/2; k >= 0 && k < len(x) {
					y[c] += x[k] * w
				}
			}
		}
	default:
		moved(op, y, in, shapes)
	}
}

func biasOf(has bool, params [][]float64) []float64 {
	if has {
		return params[1]
	}
	return nil
}

// reduceInto takes the mean of n values, or the largest, into the place that to says.
func reduceInto(y, x []float64, kind blocks.PoolKind, to func(i int) int, n int) {
	for i := range y {
		if kind == blocks.MaxPool {
			y[i] = math.Inf(-1)
		}
	}
	for i, v := range x {
		if kind == blocks.MaxPool {
			y[to(i)] = max(y[to(i)], v)
		} else {
			y[to(i)] += v / float64(n)
		}
	}
}

func referencePool(o *blocks.Pool, y, x []float64, out, s blocks.Shape) {
	k, stride, d := o.Window()
	for i := range y {
		py, px, c := i/out.C/out.W, i/out.C%out.W, i%out.C
		most, sum, n := math.Inf(-1), 0.0, 0
		for ky := range k[0] {
			for kx := range k[1] {
				iy, ix := py*stride[0]-o.Pad.Top+ky*d[0], px*stride[1]-o.Pad.Left+kx*d[1]
				if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
					if o.CountPad && iy >= -o.Pad.Top && iy < s.H+o.Pad.Bottom && ix >= -o.Pad.Left && ix < s.W+o.Pad.Right {
						n++
					}
					continue
				}
				v := x[(iy*s.W+ix)*s.C+c]
				most, sum, n = max(most, v), sum+v, n+1
			}
		}
		y[i] = most
		if o.Pool == blocks.AvgPool {
			y[i] = sum / float64(n)
		}
	}
}

// moved copies values as the op itself copies the places of its inputs, which are exact in float32.
func moved(op blocks.Op, y []float64, in [][]float64, shapes []blocks.Shape) {
	var all []float64
	ts := make([]blocks.Tensor, len(in))
	for k, v := range in {
		ts[k] = blocks.Tensor{Shape: shapes[k], Data: make([]float32, len(v))}
		for i := range v {
			ts[k].Data[i] = float32(len(all) + i)
		}
		all = append(all, v...)
	}
	shape, err := op.OutShape(shapes)
	if err != nil {
		panic(err)
	}
	places := blocks.Tensor{Shape: shape, Data: make([]float32, len(y))}
	op.Eval(places, ts, nil)
	for i, p := range places.Data {
		y[i] = all[int(p)]
	}
}
