package features

import (
	"math"
	"slices"

	"nas/blocks"
)

// Network is what the fitted estimate reads from a network. It has no genes, so that a
// network written by hand is judged like one from a space.
type Network struct {
	Slots [SlotFeatures]float64 // width, depth, kernel size and share of SE of each slot

	Input, Output blocks.Shape
	Resolution    float64 // geometric mean of the input's height and width
	MACs          float64 // kernels above MaxKernel counted as that
	ConvParams    float64 // trainable parameters but those of linear layers, likewise
	Swish         float64 // share of MACs whose activation is swish or hard-swish
	NumBlocks     int
	Classes       int

	// ReadShare is the share of the input's pixels that reach the output. Unread sums, over
	// the maps in between, log2 of how much less of a map is read than is made.
	ReadShare, Unread float64
	// LastWidth is the number of channels of the last unit, and LastOut that of its block's
	// output. Vector is what the classifier reads.
	LastWidth, LastOut, Vector int
	EmptyLevels                int // of output stride 4, 8, 16 and 32: those without a block

	Unseen Unseen
	Traits Traits
	// Uncounted is the number of blocks with a kernel above any of the data, or of whose expansion
	// only a part counts.
	Uncounted int
}

// Of reads any network. It never fails; what it cannot place it marks as unseen.
func Of(n *blocks.Network) Network {
	marked := slices.ContainsFunc(n.Nodes, func(nd blocks.Node) bool { return nd.Stage > 0 })
	return Join(readBlocks(n, marked, nil))
}

// Append appends the features that are numbers to a row: the slots' features, the
// share of (hard-)swish and log2 of the resolution, Len in all.
func (f *Network) Append(row []float64) []float64 {
	row = append(row, f.Slots[:]...)
	return append(row, f.Swish, math.Log2(f.Resolution))
}

// seenKernel is the largest kernel size of the data.
const seenKernel = 7

// Len is the number of features that [Network.Append] appends.
const Len = SlotFeatures + 2

// setLast notes how many units there are, and the widths of the last one.
func (f *Network) setLast(units []placed) {
	if f.NumBlocks = len(units); f.NumBlocks == 0 {
		return
	}
	last := units[len(units)-1]
	f.LastWidth, f.LastOut = last.expanded, last.out
	if last.out == 0 {
		f.LastOut = last.expanded
	}
}

// Join computes the features of the network that a chain of blocks makes up, each of
// which reads the output of the one before.
func Join(chain ...*Blocks) Network {
	var f Network
	in, out := chain[0].in, chain[len(chain)-1].out
	f.Input, f.Output = in, out
	f.Resolution = math.Sqrt(float64(in.Pixels()))
	f.Classes = out.C

	var store [64]placed
	units := store[:0]
	pooled := false
	// Sums over the whole network, and over the current block. The latter count less
	// where the block's expanded width is capped.
	var allMACs, swishMACs, actMACs, blockMACs, blockParams float64
	pixels, level := -1, 0
	skips := false
	for _, b := range chain {
		switch {
		case b.gateFirst && len(units) > 0:
			units[len(units)-1].se = true
		case b.gateOther: // in front of all units
			f.Unseen.Attention = true
		}
		for i := range b.units {
			u := &b.units[i]
			if u.pixels != pixels {
				pixels = u.pixels
				level = int(math.Round(math.Log2(math.Sqrt(float64(in.Pixels()) / float64(pixels)))))
			}
			units = append(units, placed{u, level, u.se})
			if u.kernel > seenKernel || u.counted < float64(u.expanded) {
				f.Uncounted++
			}
		}
		for i := range b.amounts {
			a := &b.amounts[i]
			if a.linear {
				f.MACs += a.macs
				continue
			}
			f.MACs += a.share * (blockMACs + a.macs)
			f.ConvParams += a.share * (blockParams + a.params)
			blockMACs, blockParams = 0, 0
		}
		blockMACs += b.macs
		blockParams += b.params
		allMACs += b.allMACs
		switch {
		case !b.activated:
			actMACs += b.actMACs
		case b.swishFirst:
			swishMACs += actMACs + b.swishMACs
			actMACs = b.actMACs
		default:
			swishMACs += b.swishMACs
			actMACs = b.actMACs
		}
		pooled, skips = pooled || b.pooled, skips || b.skips
		if b.vector > 0 {
			f.Vector = b.vector
		}
		f.Unseen.add(&b.unseen)
		f.Traits.add(&b.traits)
	}
	f.MACs += blockMACs
	f.ConvParams += blockParams
	f.Unseen.NoPooling, f.Unseen.NoVector = !pooled, !out.IsVector()
	if allMACs > 0 {
		f.Swish = swishMACs / allMACs
	}
	f.setLast(units)
	f.ReadShare = 1
	if skips {
		f.ReadShare, f.Unread = readShares(chain)
	}
	f.EmptyLevels = fillSlots(&f.Slots, units, &f.Unseen)
	return f
}
