package features

import (
	"math/rand/v2"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/space"
)

// TestStretches compares the features of networks read block by block with those
// read whole, over every kind of block.
func TestStretches(t *testing.T) {
	kinds := space.Strings{"ds", "mbconv", "fused", "conv", "grouped", "xception", "uib", "skip"}
	stage := func(channels, stride int) space.StageSpec {
		return space.StageSpec{
			Block: kinds, Channels: space.Ints{channels}, Stride: space.Ints{stride}, Depth: space.Ints{1, 2, 3},
			Kernel: space.Kernels{1, 3, 7, 4, space.Rectangle(1, 3)}, Expansion: space.Floats{1, 3, 12},
			Dilation:        space.Ints{1, 2},
			Activation:      space.Strings{"identity", "relu6", "hswish"},
			ActivationAfter: space.Strings{"depthwise", "pointwise", "both"},
			SE:              space.Floats{0, 0.25}, Attention: space.Strings{"se", "eca", "cbam"},
			Groups: space.Ints{4, 8}, Experts: space.Ints{1, 2}, ExpertsIn: "both",
			Residual: space.Bools{true, false}, Multiplier: space.Ints{1, 2}, KernelBefore: space.Ints{0, 3},
		}
	}
	bottleneck := space.StageSpec{Block: space.Strings{"bottleneck", "mbconv"}, Channels: space.Ints{32},
		Stride: space.Ints{2}, Depth: space.Ints{1, 2}, Kernel: space.Kernels{1, 3, 7}, Expansion: space.Floats{0.25, 1},
		Groups: space.Ints{1, 4, 8}, SE: space.Floats{0, 0.25}, Residual: space.Bools{true, false}}
	r := rand.New(rand.NewPCG(1, 2))
	var gated, uncounted int
	for _, stem := range []int{0, 8} {
		s, err := space.New(space.Spec{Input: []int{96, 96, 8}, Classes: 10,
			Stem:  space.StemSpec{Channels: space.Ints{stem}, Activation: space.Strings{"hswish"}},
			Stage: []space.StageSpec{stage(8, 1), stage(16, 2), stage(16, 1), stage(24, 2), bottleneck},
			Head:  space.HeadSpec{Channels: space.Ints{0, 64}, Hidden: space.Ints{0, 16}}})
		if err != nil {
			t.Fatal(err)
		}
		var l space.Lowerer
		for range 300 {
			a := s.Arch(s.Sample(r))
			pieces, ok := l.Lower(nil, &a)
			if !ok {
				t.Fatalf("%v is no chain", a)
			}
			var chain []*Blocks
			for _, p := range pieces {
				chain = append(chain, OfBlocks(p.Network()))
			}
			n, err := a.Network()
			if err != nil {
				t.Fatal(err)
			}
			got, want := Join(chain...), Of(n)
			if got != want {
				t.Fatalf("%v:\nby blocks %+v\nwhole     %+v", a, got, want)
			}
			uncounted += want.Uncounted
			for k := slotSE; k < SlotFeatures; k += PerSlot {
				if want.Slots[k] > 0 {
					gated++
				}
			}
		}
	}
	if gated < 100 || uncounted < 100 {
		t.Errorf("%d slots with gates, %d blocks that count in part", gated, uncounted)
	}
}

// TestFolded folds batch normalisations into convolutions: the same features, to the bit.
func TestFolded(t *testing.T) {
	for _, spec := range []string{"mobilenet_v2@res=64", "mobilenet_v3_small@res=64"} {
		n, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		folded, _ := blocks.FoldBatchNorm(n, blocks.NewWeights(n, 1))
		if got, want := Of(folded), Of(n); got != want {
			t.Errorf("%s: folded it has %+v, want %+v", spec, got, want)
		}
	}
}
