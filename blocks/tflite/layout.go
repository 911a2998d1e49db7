package tflite

import (
	"nas/blocks"
)

func init() {
	register(lowerConcat)
	register(lowerStack)
	register(lowerSlice)
	register(lowerShuffle)
	register(lowerResize)
}

func lowerConcat(g *graph, _ *blocks.Concat, c call) (value, error) {
	in, vector := g.sameRank(c.in)
	v := value{shape: c.out, vector: vector}
	v.tensor = g.op("CONCATENATION", tensorsOf(in), Options{"axis": float64(len(v.dims()) - 1)}, v.dims())
	return v, nil
}

// lowerStack writes CONCATENATION along the height.
func lowerStack(g *graph, _ *blocks.Stack, c call) (value, error) {
	in := make([]value, len(c.in))
	for i, v := range c.in {
		in[i] = g.asMap(v)
	}
	return g.mapOp("CONCATENATION", tensorsOf(in), Options{"axis": 1}, c.out), nil
}

func lowerSlice(g *graph, op *blocks.ChannelSlice, c call) (value, error) {
	return g.channels(g.asMap(c.in[0]), op.From, op.To-op.From), nil
}

// channels returns n channels of a map, the first of them from.
func (g *graph) channels(x value, from, n int) value {
	s := x.shape
	s.C = n
	return g.mapOp("SLICE", []int{x.tensor, g.list(0, 0, 0, from), g.list(mapDims(s)...)}, nil, s)
}

// lowerShuffle writes RESHAPE, TRANSPOSE, RESHAPE.
func lowerShuffle(g *graph, op *blocks.ChannelShuffle, c call) (value, error) {
	p, groups, each := c.out.Pixels(), op.Groups, c.out.C/op.Groups
	x := g.reshape(c.in[0], c.out, []int{1, p, groups, each})
	x.tensor = g.op("TRANSPOSE", []int{x.tensor, g.list(0, 1, 3, 2)}, nil, []int{1, p, each, groups})
	return g.reshape(x, c.out, mapDims(c.out)), nil
}

// lowerResize writes RESIZE_BILINEAR, or RESIZE_NEAREST_NEIGHBOR where its arithmetic in float32 finds
// the pixels that ours does, and GATHER along both axes where not.
func lowerResize(g *graph, op *blocks.Resize, c call) (value, error) {
	x := g.asMap(c.in[0])
	size := g.list(op.H, op.W)
	if op.Mode == blocks.Bilinear {
		o := Options{"half_pixel_centers": 1}
		if op.AlignCorners {
			o = Options{"align_corners": 1}
		}
		return g.mapOp("RESIZE_BILINEAR", []int{x.tensor, size}, o, c.out), nil
	}
	rows, columns := nearest(op, op.H, x.shape.H), nearest(op, op.W, x.shape.W)
	if floors(rows, x.shape.H) && floors(columns, x.shape.W) {
		return g.mapOp("RESIZE_NEAREST_NEIGHBOR", []int{x.tensor, size}, nil, c.out), nil
	}
	half := blocks.Shape{H: op.H, W: x.shape.W, C: x.shape.C}
	x = g.mapOp("GATHER", []int{x.tensor, g.list(rows...)}, Options{"axis": 1}, half)
	return g.mapOp("GATHER", []int{x.tensor, g.list(columns...)}, Options{"axis": 2}, c.out), nil
}

// nearest lists the input positions of n output positions over an extent of m.
func nearest(op *blocks.Resize, n, m int) []int {
	at := make([]int, n)
	for i := range at {
		at[i], _, _ = op.Taps(i, n, m)
	}
	return at
}

// floors tells whether floor(i * float32(m/n)) is at[i] for every i, as the operator computes it.
func floors(at []int, m int) bool {
	scale := float32(m) / float32(len(at))
	for i, want := range at {
		if min(int(float32(i)*scale), m-1) != want {
			return false
		}
	}
	return true
}
