package accuracy

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

// maxExpansion caps the expanded width that counts: this multiple of the
// block's input channels, and twice this multiple of its output channels. No
// network of the data has more, and an optimiser would.
const maxExpansion = 6

// maxBlocks is the number of blocks of a slot whose width counts: many narrow
// blocks must not pass for a few wide ones, of which alone there is data.
const maxBlocks = 4

// maxKernel is the largest kernel size outside the stem in the data.
const maxKernel = 5

// traits is what the fitted estimate reads from a network: plain numbers, no
// genes, so that a network written by hand is judged like one from a space.
type traits struct {
	x [slotFeatures]float64

	resolution float64 // geometric mean of the input's height and width
	macs       float64 // kernels above maxKernel counted as that
	convParams float64 // trainable parameters but those of linear layers, likewise
	swish      float64 // share of MACs whose activation is swish or hard-swish
	blocks     int
	classes    int

	unseen unseen
	// uncounted is the number of blocks with a kernel or an expansion of which
	// only a part counts.
	uncounted int
}

// unseen marks what no trained network of the data has.
type unseen struct {
	dilated      bool
	largeKernel  bool
	attention    bool // a gate that is not one value for each channel
	grouped      bool // groups, but not depthwise
	standardConv bool // a convolution with a kernel above 1 outside the stem that is not depthwise
	deepStride   bool // blocks beyond output stride 32
	shallowStem  bool // blocks before output stride 2
	noPooling    bool // no global pooling before the classifier
	noVector     bool // the output is a map
}

// unit is one spatial convolution outside the stem, with what belongs to it.
type unit struct {
	level    int // log2 of the output stride, as a power of two
	expanded int
	in       int // channels into the block
	out      int // channels of the block's output
	kernel   float64
	se       bool
	stage    int
	block    int
}

// counted is the expanded width that counts.
func (u *unit) counted() float64 {
	e := float64(u.expanded)
	if u.in > 0 {
		e = math.Min(e, maxExpansion*float64(u.in))
	}
	if u.out > 0 {
		e = math.Min(e, 2*maxExpansion*float64(u.out))
	}
	return e
}

// readTraits computes the features of any network, given whole or as a chain of
// stretches, each of which reads the output of the one before. It never fails; what
// it cannot place it marks as unseen.
func readTraits(chain ...*blocks.Network) traits {
	var t traits
	in, out := chain[0].Input(), chain[len(chain)-1].Output()
	t.resolution = math.Sqrt(float64(in.Pixels()))
	t.classes = out.C

	var store [64]unit
	units := store[:0]
	marked := false
	for _, n := range chain {
		marked = marked || slices.ContainsFunc(n.Nodes, func(nd blocks.Node) bool { return nd.Stage > 0 })
	}
	// Sums of the whole network as it is; and of the current block, which count
	// less where its expanded width is capped.
	var allMACs, swishMACs, actMACs, blockMACs, blockParams float64
	flush := func(share float64) {
		t.macs += share * blockMACs
		t.convParams += share * blockParams
		blockMACs, blockParams = 0, 0
	}
	blockIn, first, pooled := in.C, true, false
	lastStage, lastBlock := -1, -1
	for _, n := range chain {
		for i := 1; i < len(n.Nodes); i++ {
			nd := &n.Nodes[i]
			src := n.Nodes[nd.Inputs[0]].Shape
			if nd.Stage != lastStage || nd.Block != lastBlock {
				lastStage, lastBlock = nd.Stage, nd.Block
				blockIn = src.C
			}
			switch op := nd.Op.(type) {
			case *blocks.Conv:
				g := op.G()
				// A kernel larger than any in the data counts as the largest of them:
				// what nobody measured must not pay.
				weights := float64(min(op.Kernel[0], maxKernel)*min(op.Kernel[1], maxKernel)*(src.C/g)) * float64(op.Out)
				macs := float64(nd.Shape.Pixels()) * weights
				allMACs += macs
				actMACs += macs
				blockMACs += macs
				blockParams += weights
				t.unseen.largeKernel = t.unseen.largeKernel || max(op.Kernel[0], op.Kernel[1]) > maxKernel && nd.Stage > 0
				if op.Bias {
					blockParams += float64(op.Out)
				}
				if g > 1 && g < src.C {
					t.unseen.grouped = true
				}
				if src.IsVector() {
					continue // a gate, or a head after pooling
				}
				if op.Dilation[0] > 1 || op.Dilation[1] > 1 {
					t.unseen.dilated = true
				}
				if op.Kernel[0] == 1 && op.Kernel[1] == 1 {
					k := len(units) - 1
					ends := k >= 0 && units[k].out == 0 && (!marked || units[k].stage == nd.Stage && units[k].block == nd.Block)
					if ends {
						units[k].out = op.Out
						flush(units[k].counted() / float64(units[k].expanded))
					}
					if !marked { // a block ends where it projects, and starts where it expands
						blockIn = src.C
						if ends {
							blockIn = op.Out
						}
					}
					continue
				}
				stem := nd.Stage == 0
				if !marked {
					stem = first
				}
				first = false
				if stem {
					flush(1)
					if !marked {
						blockIn = op.Out
					}
					continue
				}
				if g < src.C {
					t.unseen.standardConv = true
				}
				u := unit{expanded: op.Out, in: blockIn, kernel: math.Sqrt(float64(op.Kernel[0] * op.Kernel[1])), stage: nd.Stage, block: nd.Block}
				u.level = int(math.Round(math.Log2(math.Sqrt(float64(in.Pixels()) / float64(nd.Shape.Pixels())))))
				units = append(units, u)
			case *blocks.BatchNorm:
				blockParams += 2 * float64(src.C)
			case *blocks.Activation:
				if op.Func == blocks.Swish || op.Func == blocks.HSwish {
					swishMACs += actMACs
				}
				actMACs = 0
			case *blocks.Mul:
				gate := n.Nodes[nd.Inputs[1]].Shape
				switch {
				case gate.IsVector() && len(units) > 0:
					units[len(units)-1].se = true
				case gate != nd.Shape:
					t.unseen.attention = true
				}
			case *blocks.Linear:
				macs := float64(src.Elems()) * float64(op.Out)
				allMACs += macs
				t.macs += macs
			case *blocks.GlobalPool:
				pooled = true
			}
		}
	}
	t.unseen.noPooling, t.unseen.noVector = !pooled, !out.IsVector()
	flush(1)
	if allMACs > 0 {
		t.swish = swishMACs / allMACs
	}
	t.blocks = len(units)
	for i := range units {
		if u := &units[i]; u.kernel > maxKernel || u.counted() < float64(u.expanded) {
			t.uncounted++
		}
	}
	t.fillSlots(units)
	return t
}

// fillSlots places the units in slots and sums them up.
func (t *traits) fillSlots(units []unit) {
	var width, square, weight [slots]float64
	var count, se [slots]int
	add := func(s int, u *unit) {
		if count[s] < maxBlocks {
			width[s] += u.counted()
		}
		weight[s] += float64(u.expanded)
		square[s] += float64(u.expanded) * math.Min(u.kernel, maxKernel)
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
