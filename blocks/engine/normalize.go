package engine

import (
	"math"

	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lowerNormalize()
	routines["layernorm"] = &routine{make: makeLayerNorm}
	routines["groupnorm"] = &routine{make: makeGroupNorm}
}

func lowerNormalize() {
	lower("normalize", true, func(c *compiler, i int) {
		s := c.start(i, "layernorm")
		if g := c.net.Nodes[i].Op.(*blocks.Normalize).Groups; g > 0 {
			s.Unit.Name, s.Unit.Groups = "groupnorm", g
		}
		s.reuse = true
		c.emit(s, i, i)
	})
}

// factors returns scale and shift of each channel.
func factors(b *binding) (o *blocks.Normalize, scale, shift []float32) {
	o = b.op.(*blocks.Normalize)
	if !o.Plain {
		return o, b.params[0], b.params[1]
	}
	one := blocks.Affine{Scale: 1}
	scale, shift = one.Factors(b.dst.C, nil)
	return o, scale, shift
}

// makeLayerNorm normalises the channels of each pixel. The variance is taken around the
// mean, in a second pass over the pixel, which lies in the first-level cache.
func makeLayerNorm(b *binding) (runner, need) {
	o, scale, shift := factors(b)
	dst, src, eps := b.dst, b.src[0], o.Eps()
	return byPixels(dst, b.unit.Batch, 24*dst.C, func(from, to int, _ *thread) {
		for p := from; p < to; p++ {
			x, d := src.row(p), dst.row(p)
			n := float32(len(x))
			mean := kernels.Sum(x) / n
			k := float32(1 / math.Sqrt(float64(squares(x, mean)/n)+eps))
			for i, v := range x {
				d[i] = (v-mean)*k*scale[i] + shift[i]
			}
		}
	}), need{}
}

// squares adds the squares of x - m in four sums, which do not wait for each other.
func squares(x []float32, m float32) float32 {
	var s0, s1, s2, s3 float32
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d := x[0]-m, x[1]-m, x[2]-m, x[3]-m
		s0 += a * a
		s1 += b * b
		s2 += c * c
		s3 += d * d
	}
	for _, v := range x {
		s0 += (v - m) * (v - m)
	}
	return (s0 + s1) + (s2 + s3)
}

// groupNormRun normalises groups of channels over the pixels of each image. Threads
// divide the groups of all images among them.
type groupNormRun struct {
	set            *kernels.Set
	dst, src       *tensor
	groups, images int
	scale, shift   []float32 // trained
	eps            float64
	mean, variance []float64 // of each channel of each image
	a, b           []float32
}

func makeGroupNorm(b *binding) (runner, need) {
	o, scale, shift := factors(b)
	n := b.unit.Batch * b.dst.C
	return &groupNormRun{set: b.set, dst: b.dst, src: b.src[0], groups: o.Groups, images: b.unit.Batch, scale: scale,
		shift: shift, eps: o.Eps(), mean: make([]float64, n), variance: make([]float64, n), a: kernels.Alloc(n),
		b: kernels.Alloc(n)}, need{Need: kernels.MomentsNeed(b.dst.C)}
}

func (r *groupNormRun) maxParts() int {
	return min(r.images*r.groups, maxParts(int64(r.images*r.dst.Elems())*32))
}

func (r *groupNormRun) run(part, parts int, th *thread) {
	for from, to := cut(r.images*r.groups, part, parts); from < to; {
		k := from / r.groups
		end := min(to, (k+1)*r.groups)
		each := r.dst.C / r.groups
		r.channels(k, (from-k*r.groups)*each, (end-k*r.groups)*each, th)
		from = end
	}
}

// channels normalises channels c0 to c1, whole groups, of image k.
func (r *groupNormRun) channels(k, c0, c1 int, th *thread) {
	t, n := r.dst, c1-c0
	at := k*t.C + c0
	mean, variance, a, b := r.mean[at:][:n], r.variance[at:][:n], r.a[at:][:n], r.b[at:][:n]
	src, dst := r.src.image(k).Channels(c0), r.dst.image(k).Channels(c0)
	r.set.Moments(mean, variance, src.Data, t.Pixels(), src.Pix, n, th.scratch)
	each := t.C / r.groups
	for g := 0; g < n; g += each {
		var m, v float64
		for i := g; i < g+each; i++ {
			m += mean[i] / float64(each)
		}
		for i := g; i < g+each; i++ {
			v += (variance[i] + (mean[i]-m)*(mean[i]-m)) / float64(each)
		}
		for i := g; i < g+each; i++ {
			s := float64(r.scale[c0+i]) / math.Sqrt(v+r.eps)
			a[i], b[i] = float32(s), float32(float64(r.shift[c0+i])-m*s)
		}
	}
	r.set.Affine(kernels.Map{W: t.W, C: n, Y1: t.H}, dst, src, a, b, kernels.None, th.scratch)
}
