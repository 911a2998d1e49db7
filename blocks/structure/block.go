package structure

import (
	"slices"

	"nas/blocks"
)

// block is a block by the places of its first and last node.
type block struct {
	layer    int // the first one
	from, to int
	in, out  blocks.Shape
	middle   int // channels of the depthwise or fused convolution; 0: neither
	kernel   int // height of the largest kernel
	branches bool
	// universal says that a depthwise convolution stands in front of two 1x1 convolutions.
	universal bool
	joins     bool // a shortcut or branches, not a row of convolutions
	single    kind // of the only layer
}

// blocksOf finds the blocks in the layers in front of the head.
func blocksOf(ls []layer) (bs []block) {
	i := slices.IndexFunc(ls, func(l layer) bool { return l.kind >= dense && l.kind != pool })
	if i < 0 {
		return nil
	}
	if n, _ := match(ls, i, true); n == 1 && ls[i].kind <= pointwise {
		i = behindStem(ls, i+1)
	}
	for i < len(ls) {
		n, middle := match(ls, i, false)
		if n == 0 {
			i++
			continue
		}
		first, last := &ls[i], &ls[i+n-1]
		b := block{layer: i, from: first.from, to: last.to, in: first.in, out: last.out, middle: middle,
			branches: last.kind == joined, joins: last.kind >= residual}
		for k := range n {
			b.kernel = max(b.kernel, ls[i+k].kernel)
		}
		b.universal = first.universal || first.kind == depthwise && n > 2
		if n == 1 {
			b.single = first.kind
		}
		bs = append(bs, b)
		i += n
	}
	return withoutEnds(bs)
}

// behindStem returns where the blocks begin: at layer i, which is behind the first
// convolution, or behind the last pooling before the first block of several convolutions.
func behindStem(ls []layer, i int) int {
	behind := i
	for ; i < len(ls); i++ {
		n, _ := match(ls, i, false)
		if n > 1 || ls[i].kind >= residual {
			return behind
		}
		if ls[i].kind == pool {
			behind = i + 1
		}
	}
	return min(behind, i)
}

// match returns how many layers from i on are a block, 0 if none is, and the number of
// channels in its middle. first says that layer i is the first convolution.
func match(ls []layer, i int, first bool) (n, middle int) {
	at := func(k int) layer {
		if i+k < len(ls) {
			return ls[i+k]
		}
		return layer{}
	}
	l, l1, l2, l3 := at(0), at(1), at(2), at(3)
	projects := func(l layer) bool { return l.kind == pointwise && !l.acts }
	switch l.kind {
	case residual, joined:
		return 1, l.middle
	case depthwise:
		switch expands := !l.acts && l1.kind == pointwise && l1.acts && l1.out.C > l1.in.C; {
		case expands && l2.kind == depthwise && projects(l3): // MobileNetV4's universal bottleneck
			return 4, l2.middle
		case expands && projects(l2): // a depthwise convolution, then two 1x1 (ConvNeXt)
			return 3, l1.out.C
		case l1.kind == pointwise:
			return 2, l.middle
		}
		return 1, 0
	case pointwise:
		switch {
		case l1.kind == joined && l1.splits && l.out.C < l.in.C:
			return 2, 0
		case l1.kind == depthwise && l2.kind == pointwise && l.out.C >= l.in.C:
			return 3, l1.middle
		}
		return 1, 0
	case dense:
		if !first && l.acts && l.out.C > l.in.C && projects(l1) && l1.out.Pixels() == l1.in.Pixels() {
			return 2, l.out.C
		}
		return 1, 0
	}
	return 0, 0
}

// withoutEnds takes away what belongs to the head: 1x1 convolutions at the end. If all blocks
// but those at both ends have shortcuts or branches, it also takes away what has none: in
// front of the first to the stem, behind the last to the head unless the extent changes there.
func withoutEnds(bs []block) []block {
	for k := len(bs) - 1; k >= 0 && bs[k].single == pointwise && bs[k].in.Pixels() == bs[k].out.Pixels(); k-- {
		bs = bs[:k]
	}
	from := slices.IndexFunc(bs, func(b block) bool { return b.joins })
	if from < 0 {
		return bs
	}
	to := len(bs)
	for !bs[to-1].joins {
		to--
	}
	inner := bs[from:to]
	if slices.ContainsFunc(inner, func(b block) bool { return !b.joins }) ||
		inner[0].out.Pixels() == inner[len(inner)-1].out.Pixels() {
		return bs
	}
	if bs[len(bs)-1].out.Pixels() != bs[to-1].out.Pixels() {
		to = len(bs)
	}
	return bs[from:to]
}

// boundary is what tells the stages of a network apart besides the extent of the map.
type boundary struct{ channels, expansion bool }

// boundaryOf returns what tells stages apart. The expansion ratio does not in a network whose
// kernels differ within stages, because its blocks were chosen one by one.
func boundaryOf(bs []block) boundary {
	d := boundary{true, true}
	for i := range bs {
		if bs[i].universal {
			return boundary{}
		}
		if i > 0 && !bs[i].begins(&bs[i-1], boundary{channels: true}) && bs[i].kernel != bs[i-1].kernel {
			d.expansion = false
		}
	}
	return d
}

// begins reports whether the block begins a stage behind block a.
func (b *block) begins(a *block, d boundary) bool {
	switch {
	case a.out.Pixels() != b.out.Pixels():
		return true
	case b.branches:
		return false
	case d.channels && a.out.C != b.out.C:
		return true
	}
	return d.expansion && a.middle > 0 && b.middle > 0 && !b.expandsLike(a)
}

// expandsLike reports whether one expansion ratio gives the middle channels of both blocks,
// rounded to multiples of 8.
func (b *block) expandsLike(a *block) bool {
	low := func(b *block) float64 { return float64(b.middle-4) / float64(b.in.C) }
	high := func(b *block) float64 { return float64(b.middle+4) / float64(b.in.C) }
	return low(a) <= high(b) && low(b) <= high(a)
}
