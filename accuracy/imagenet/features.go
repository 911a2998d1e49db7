package imagenet

import (
	"math"
	"slices"

	"nas/blocks"
)

// slots are the parts of a network that the fitted estimate tells apart: the
// blocks at output stride 2, 4, 8, 16 and 32, the last two split where the width
// first changes (MobileNet-like networks spend most of their blocks there, on
// two widths each).
const slots = 7

// perSlot features describe a slot.
const perSlot = 4

// slotFeatures is the number of features that the Gaussian process sees.
const slotFeatures = slots * perSlot

// The features of a slot, in order.
const (
	slotWidth  = iota // log2(sum of expanded widths / slotReference); -1 for an empty slot
	slotDepth         // log2(number of blocks); -1 for an empty slot
	slotKernel        // mean kernel size, weighted by expanded width; 3 for an empty slot
	slotSE            // share of blocks with squeeze-and-excite
)

// slotReference are the widths that a slot's expanded width is compared with:
// the output widths of MnasNet's stages.
var slotReference = [slots]float64{16, 24, 40, 80, 112, 192, 320}

// maxBlocks is the number of blocks of a slot whose width counts: many narrow
// blocks must not pass for a few wide ones, of which alone there is data.
const maxBlocks = 4

// Features is what the fitted estimate reads from a network: plain numbers, no
// genes, so that a network written by hand is judged like one from a space.
type Features struct {
	x [slotFeatures]float64

	in, out    blocks.Shape
	resolution float64 // geometric mean of the input's height and width
	macs       float64 // kernels above MaxKernel counted as that
	convParams float64 // trainable parameters but those of linear layers, likewise
	swish      float64 // share of MACs whose activation is swish or hard-swish
	blocks     int
	classes    int

	unseen unseen
	// uncounted is the number of blocks with a kernel or an expansion of which
	// only a part counts.
	uncounted int
}

// add marks what a stretch has marked; the last two are of the whole.
func (u *unseen) add(s *unseen) {
	u.dilated = u.dilated || s.dilated
	u.largeKernel = u.largeKernel || s.largeKernel
	u.attention = u.attention || s.attention
	u.grouped = u.grouped || s.grouped
	u.standardConv = u.standardConv || s.standardConv
}

// count sets the expanded width that counts, once the block is known.
func (u *unit) count() {
	e := float64(u.expanded)
	if u.in > 0 {
		e = math.Min(e, MaxExpansion*float64(u.in))
	}
	if u.out > 0 {
		e = math.Min(e, 2*MaxExpansion*float64(u.out))
	}
	u.counted = e
}

// Read computes the features of any network. It never fails; what it cannot
// place it marks as unseen.
func Read(n *blocks.Network) Features {
	marked := slices.ContainsFunc(n.Nodes, func(nd blocks.Node) bool { return nd.Stage > 0 })
	return Join(readBlocks(n, marked))
}

// Append appends the features that are numbers to a row: the slots' features, the
// share of (hard-)swish and log2 of the resolution, NumFeatures in all.
func (t *Features) Append(row []float64) []float64 {
	row = append(row, t.x[:]...)
	return append(row, t.swish, math.Log2(t.resolution))
}

// NumFeatures is the number of features that Append appends.
const NumFeatures = slotFeatures + 2

// Join computes the features of the network that stretches make up.
func Join(chain ...*BlockFeatures) Features {
	var t Features
	in, out := chain[0].in, chain[len(chain)-1].out
	t.in, t.out = in, out
	t.resolution = math.Sqrt(float64(in.Pixels()))
	t.classes = out.C

	var store [64]placed
	units := store[:0]
	pooled := false
	// Sums of the whole network as it is; and of the current block, which count
	// less where its expanded width is capped.
	var allMACs, swishMACs, actMACs, blockMACs, blockParams float64
	pixels, level := -1, 0
	for _, s := range chain {
		switch {
		case s.gateFirst && len(units) > 0:
			units[len(units)-1].se = true
		case s.gateOther: // in front of all units
			t.unseen.attention = true
		}
		for i := range s.units {
			u := &s.units[i]
			if u.pixels != pixels {
				pixels = u.pixels
				level = int(math.Round(math.Log2(math.Sqrt(float64(in.Pixels()) / float64(pixels)))))
			}
			units = append(units, placed{u, level, u.se})
			if u.kernel > MaxKernel || u.counted < float64(u.expanded) {
				t.uncounted++
			}
		}
		for i := range s.amounts {
			a := &s.amounts[i]
			if a.linear {
				t.macs += a.macs
				continue
			}
			t.macs += a.share * (blockMACs + a.macs)
			t.convParams += a.share * (blockParams + a.params)
			blockMACs, blockParams = 0, 0
		}
		blockMACs += s.macs
		blockParams += s.params
		allMACs += s.allMACs
		switch {
		case !s.activated:
			actMACs += s.actMACs
		case s.swishFirst:
			swishMACs += actMACs + s.swishMACs
			actMACs = s.actMACs
		default:
			swishMACs += s.swishMACs
			actMACs = s.actMACs
		}
		pooled = pooled || s.pooled
		t.unseen.add(&s.unseen)
	}
	t.macs += blockMACs
	t.convParams += blockParams
	t.unseen.noPooling, t.unseen.noVector = !pooled, !out.IsVector()
	if allMACs > 0 {
		t.swish = swishMACs / allMACs
	}
	t.blocks = len(units)
	t.fillSlots(units)
	return t
}

// placed is a unit in a network.
type placed struct {
	*unit
	level int // log2 of the output stride, as a power of two
	se    bool
}

// fillSlots places the units in slots and sums them up.
func (t *Features) fillSlots(units []placed) {
	var width, square, weight [slots]float64
	var count, se [slots]int
	add := func(s int, u *placed) {
		if count[s] < maxBlocks {
			width[s] += u.counted
		}
		weight[s] += float64(u.expanded)
		square[s] += float64(u.expanded) * math.Min(u.kernel, MaxKernel)
		count[s]++
		if u.se {
			se[s]++
		}
	}
	for i := 0; i < len(units); {
		level := units[i].level
		j := i
		for j < len(units) && units[j].level == level {
			j++
		}
		run := units[i:j]
		i = j
		switch {
		case level < 1:
			t.unseen.shallowStem = true
			level = 1
		case level > 5:
			t.unseen.deepStride = true
			level = 5
		}
		if level < 4 {
			for k := range run {
				add(level-1, &run[k])
			}
			continue
		}
		// The first width goes to a, later ones to b; blocks of one width are halved.
		a := 0
		for a < len(run) && run[a].out == run[0].out {
			a++
		}
		if a == len(run) {
			a = (len(run) + 1) / 2
		}
		s := 3 + 2*(level-4)
		for k := range run {
			if k < a {
				add(s, &run[k])
			} else {
				add(s+1, &run[k])
			}
		}
	}
	for s := range slots {
		f := t.x[s*perSlot:][:perSlot]
		if count[s] == 0 {
			f[slotWidth], f[slotDepth], f[slotKernel], f[slotSE] = -1, -1, 3, 0
			continue
		}
		f[slotWidth] = math.Log2(width[s] / slotReference[s])
		f[slotDepth] = math.Log2(float64(count[s]))
		f[slotKernel] = square[s] / weight[s]
		f[slotSE] = float64(se[s]) / float64(count[s])
	}
}
