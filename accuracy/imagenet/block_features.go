package imagenet

import (
	"math"

	"nas/blocks"
)

// BlockFeatures is what a [ChainEstimator] reads of one or several whole blocks of a
// network. A search meets the same blocks over and over and reads each once. It
// must not be changed.
type BlockFeatures struct {
	in, out blocks.Shape
	units   []unit
	// What counts, in order, and what has come together behind the last of it.
	amounts      []amount
	macs, params float64
	allMACs      float64
	swishMACs    float64 // whose activation is swish or hard-swish, as far as it is in the stretch
	actMACs      float64 // since the last activation
	activated    bool    // there is an activation
	swishFirst   bool    // the first one is swish or hard-swish
	gateFirst    bool    // a gate of one value for each channel stands in front of all units
	gateOther    bool    // and it is not just a product of vectors
	pooled       bool    // there is a global pooling
	unseen       unseen
}

// amount is work that counts by a share, with all before it that has not counted yet.
type amount struct {
	share, macs, params float64
	linear              bool // counts alone, whole
}

// NewBlockFeatures reads a stretch, given as a network whose input is what it reads and
// whose nodes have the stages and blocks of the whole network, or others that tell
// the stem and the blocks of the stretch apart as they do.
func NewBlockFeatures(n *blocks.Network) *BlockFeatures { return readBlocks(n, true) }

// readBlocks reads a network or a part of it. marked says that its nodes carry
// stages and blocks; otherwise blocks are told by what they consist of.
func readBlocks(n *blocks.Network, marked bool) *BlockFeatures {
	room := len(n.Nodes)/8 + 1 // a block has about so many ops
	s := &BlockFeatures{in: n.Input(), out: n.Output(), units: make([]unit, 0, room), amounts: make([]amount, 0, room)}
	flush := func(share float64) {
		s.amounts = append(s.amounts, amount{share: share, macs: s.macs, params: s.params})
		s.macs, s.params = 0, 0
	}
	blockIn, first := s.in.C, true
	lastStage, lastBlock, unitStage, unitBlock := -1, -1, -1, -1
	for i := 1; i < len(n.Nodes); i++ {
		nd := &n.Nodes[i]
		src := n.Nodes[nd.Inputs[0]].Shape
		if nd.Stage != lastStage || nd.Block != lastBlock {
			lastStage, lastBlock = nd.Stage, nd.Block
			blockIn = src.C
		}
		k := len(s.units) - 1
		switch op := nd.Op.(type) {
		case *blocks.Conv:
			g := op.G()
			// A kernel larger than any in the data counts as the largest of them:
			// what nobody measured must not pay.
			weights := float64(min(op.Kernel[0], MaxKernel)*min(op.Kernel[1], MaxKernel)*(src.C/g)) * float64(op.Out)
			macs := float64(nd.Shape.Pixels()) * weights
			s.allMACs += macs
			s.actMACs += macs
			s.macs += macs
			s.params += weights
			s.unseen.largeKernel = s.unseen.largeKernel || max(op.Kernel[0], op.Kernel[1]) > MaxKernel && nd.Stage > 0
			if op.Bias {
				s.params += float64(op.Out)
			}
			if g > 1 && g < src.C {
				s.unseen.grouped = true
			}
			if src.IsVector() {
				continue // a gate, or a head after pooling
			}
			if op.Dilation[0] > 1 || op.Dilation[1] > 1 {
				s.unseen.dilated = true
			}
			if op.Kernel[0] == 1 && op.Kernel[1] == 1 {
				ends := k >= 0 && s.units[k].out == 0 && (!marked || unitStage == nd.Stage && unitBlock == nd.Block)
				if ends {
					u := &s.units[k]
					u.out = op.Out
					u.count()
					flush(u.counted / float64(u.expanded))
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
				s.unseen.standardConv = true
			}
			u := unit{pixels: nd.Shape.Pixels(), expanded: op.Out, in: blockIn, kernel: math.Sqrt(float64(op.Kernel[0] * op.Kernel[1]))}
			u.count()
			s.units = append(s.units, u)
			unitStage, unitBlock = nd.Stage, nd.Block
		case *blocks.BatchNorm:
			s.params += 2 * float64(src.C)
		case *blocks.Activation:
			if op.Func == blocks.Swish || op.Func == blocks.HSwish {
				s.swishMACs += s.actMACs
				s.swishFirst = s.swishFirst || !s.activated
			}
			s.actMACs, s.activated = 0, true
		case *blocks.Mul:
			gate := n.Nodes[nd.Inputs[1]].Shape
			switch {
			case gate.IsVector() && k >= 0:
				s.units[k].se = true
			case gate.IsVector():
				s.gateFirst = true
				s.gateOther = s.gateOther || gate != nd.Shape
			case gate != nd.Shape:
				s.unseen.attention = true
			}
		case *blocks.Linear:
			macs := float64(src.Elems()) * float64(op.Out)
			s.allMACs += macs
			s.amounts = append(s.amounts, amount{linear: true, macs: macs})
		case *blocks.GlobalPool:
			s.pooled = true
		}
	}
	return s
}

// MaxExpansion caps the expanded width that counts: this multiple of the
// block's input channels, and twice this multiple of its output channels. No
// network of the data has more, and an optimiser would.
const MaxExpansion = 6

// MaxKernel is the largest kernel size outside the stem in the data.
const MaxKernel = 5

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
	pixels   int     // of its output
	expanded int     // channels
	in       int     // channels into the block
	out      int     // channels of the block's output
	counted  float64 // expanded width that counts
	kernel   float64
	se       bool
}
