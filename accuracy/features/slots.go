package features

import "math"

// NumSlots is the number of parts of a network that the fitted estimate tells apart:
// the blocks at output stride 2, 4, 8, 16 and 32, the last two split where the width
// first changes. (MobileNet-like networks spend most of their blocks there, on two
// widths each.)
const NumSlots = 7

// PerSlot is the number of features of a slot.
const PerSlot = 4

// SlotFeatures is the number of features of all slots.
const SlotFeatures = NumSlots * PerSlot

// The features of a slot, in order.
const (
	slotWidth  = iota // log2(sum of expanded widths / slotReference); -1 for an empty slot
	slotDepth         // log2(number of blocks); -1 for an empty slot
	slotKernel        // mean kernel size, weighted by expanded width; 3 for an empty slot
	slotSE            // share of blocks with squeeze-and-excite
)

// slotReference are the widths that a slot's expanded width is compared with:
// the output widths of MnasNet's stages.
var slotReference = [NumSlots]float64{16, 24, 40, 80, 112, 192, 320}

// maxBlocks is the number of blocks of a slot whose width counts. Many narrow blocks
// must not pass for a few wide ones: there is data of the latter alone.
const maxBlocks = 4

// placed is a unit in a network.
type placed struct {
	*unit
	level int // log2 of the output stride
	se    bool
}

// slot sums up the units of a slot.
type slot struct {
	width, square, weight float64
	count, se             int
}

func (s *slot) add(u *placed) {
	if s.count < maxBlocks {
		s.width += u.counted
	}
	s.weight += float64(u.expanded)
	s.square += float64(u.expanded) * math.Min(u.kernel, MaxKernel)
	s.count++
	if u.se {
		s.se++
	}
}

// fillSlots computes the features of the slots from a network's units, and marks
// levels that no network of the data has. It returns the number of levels without a unit,
// but for the first, among those that every network of the data has units at.
func fillSlots(x *[SlotFeatures]float64, units []placed, unseen *Unseen) (empty int) {
	var sums [NumSlots]slot
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
			unseen.ShallowStem = true
			level = 1
		case level > 5:
			unseen.DeepStride = true
			level = 5
		}
		if level < 4 {
			for k := range run {
				sums[level-1].add(&run[k])
			}
			continue
		}
		half := splitAt(run)
		s := 3 + 2*(level-4)
		for k := range run {
			if k < half {
				sums[s].add(&run[k])
			} else {
				sums[s+1].add(&run[k])
			}
		}
	}
	for s := range sums {
		sum, f := &sums[s], x[s*PerSlot:][:PerSlot]
		if sum.count == 0 {
			f[slotWidth], f[slotDepth], f[slotKernel], f[slotSE] = -1, -1, 3, 0
			continue
		}
		f[slotWidth] = math.Log2(sum.width / slotReference[s])
		f[slotDepth] = math.Log2(float64(sum.count))
		f[slotKernel] = sum.square / sum.weight
		f[slotSE] = float64(sum.se) / float64(sum.count)
	}
	for _, s := range [...]int{1, 2, 3, 5} { // the first slot of its level
		if sums[s].count == 0 {
			empty++
		}
	}
	return empty
}

// splitAt returns the number of units of a level that belong to its first slot:
// those of the first width, or all but the last one if there is one width alone.
func splitAt(run []placed) int {
	a := 0
	for a < len(run) && run[a].out == run[0].out {
		a++
	}
	if a == len(run) {
		a = max(len(run)-1, 1)
	}
	return a
}
