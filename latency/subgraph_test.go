package latency

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"nas/blocks/engine"
	"nas/latency/latencytest"
	"nas/latency/timing"
	"nas/space"
)

// fusionSpecs are spaces of every kind of block.
func fusionSpecs() []space.Spec {
	kinds := space.Strings{"ds", "mbconv", "fused", "conv", "grouped", "xception", "uib", "skip"}
	stage := func(block space.Strings, channels, stride int) space.StageSpec {
		return space.StageSpec{
			Block: block, Channels: space.Ints{channels}, Stride: space.Ints{stride}, Depth: space.Ints{1, 2, 3},
			Kernel: space.Kernels{1, 3, 5, 4, space.Rectangle(5, 1)}, Expansion: space.Floats{1, 3}, Dilation: space.Ints{1, 2},
			Activation: space.Strings{"identity", "relu6", "hswish"}, Groups: space.Ints{4, 8},
			ActivationAfter: space.Strings{"depthwise", "pointwise", "both"},
			SE:              space.Floats{0, 0.25}, Attention: space.Strings{"se", "eca", "cbam"},
			Experts: space.Ints{1, 2}, ExpertsIn: "both", Residual: space.Bools{true, false}, Multiplier: space.Ints{1, 2},
			KernelBefore: space.Ints{0, 3},
		}
	}
	ds := space.StageSpec{
		Block: space.Strings{"ds", "conv"}, Channels: space.Ints{16}, Depth: space.Ints{2, 3},
		Activation: space.Strings{"relu"},
	}
	// A grouped convolution of one channel a group is depthwise: a pointwise one after it may be fused.
	each := space.StageSpec{
		Block: space.Strings{"grouped"}, Channels: space.Ints{16}, Kernel: space.Kernels{3}, Groups: space.Ints{16},
		Activation: space.Strings{"relu"},
	}
	point := space.StageSpec{
		Block: space.Strings{"conv"}, Channels: space.Ints{16, 32}, Kernel: space.Kernels{1, 3}, Depth: space.Ints{1, 2},
		Activation: space.Strings{"relu"},
	}
	bottleneck := func(channels, stride int) space.StageSpec {
		return space.StageSpec{Block: space.Strings{"bottleneck", "mbconv"}, Channels: space.Ints{channels},
			Stride: space.Ints{stride}, Depth: space.Ints{1, 2}, Kernel: space.Kernels{1, 3, space.Rectangle(1, 5)},
			Expansion: space.Floats{0.5, 2}, Dilation: space.Ints{1, 2}, Groups: space.Ints{1, 4, 8},
			Activation: space.Strings{"relu", "hswish"}, SE: space.Floats{0, 0.25}, Residual: space.Bools{true, false}}
	}
	stem := func(channels int) space.StemSpec { return space.StemSpec{Channels: space.Ints{channels}} }
	input := []int{64, 64, 3}
	return []space.Spec{
		{Input: input, Classes: 10, Stem: stem(16), Stage: []space.StageSpec{each, point, each, point}},
		latencytest.MobileSpec(),
		{
			Input: input, Classes: 10, Stem: stem(8),
			Stage: []space.StageSpec{stage(kinds, 8, 1), stage(kinds, 8, 2), stage(kinds, 8, 1)},
			Head:  space.HeadSpec{Channels: space.Ints{0, 64}, Hidden: space.Ints{0, 16}},
		},
		{Input: input, Classes: 10, Stage: []space.StageSpec{ds, ds}},
		{Input: input, Classes: 10, Stem: stem(8), Stage: []space.StageSpec{bottleneck(16, 2), bottleneck(16, 1), ds}},
		{Input: input, Classes: 10, Stem: stem(0), Stage: []space.StageSpec{ds, stage(kinds, 16, 1)}},
	}
}

// TestSum compares the sum over subgraphs with the prediction of the network, for each way to
// cut it into units, over every kind of block, and with large and small caches, which decide
// what is fused.
func TestSum(t *testing.T) {
	specs := fusionSpecs()
	profile := simulatedProfile(t)
	for _, d := range []struct {
		cut   string
		l2    int
		dtype string
	}{
		{timing.CutPlan, 1 << 20, engine.Float32}, {timing.CutPlan, 1 << 14, engine.Float32},
		{timing.CutOps, 1 << 20, engine.Float32}, {timing.CutBlocks, 1 << 20, engine.Float32},
		{timing.CutPlan, 1 << 20, engine.Int8}, // the parts of a plan of integers have ends of their own
	} {
		p := *profile
		p.Device.Cut, p.Device.Target.L2, p.Device.Target.DType = d.cut, d.l2, d.dtype
		predictor, err := p.Predictor()
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		var l space.Lowerer
		joints, open := 0, 0
		for k, spec := range specs {
			s, err := space.New(spec)
			if err != nil {
				t.Fatal(err)
			}
			for range 40 {
				a := s.Arch(s.Sample(r))
				pieces, ok := l.Lower(nil, &a)
				if !ok {
					t.Fatalf("%v is no chain", a)
				}
				var parts []*Subgraph
				for from, to := 0, 1; from < len(pieces); from, to = to, to+1 {
					boundary := func(i int) FusionBoundary { return FusionBoundaryOf(pieces[i].Network()) }
					for to < len(pieces) && !CanSplit(boundary(to-1), boundary(to)) {
						to++
						open++
					}
					part, err := predictor.Subgraph(space.Join(pieces[from:to]))
					if err != nil {
						t.Fatal(err)
					}
					parts = append(parts, part)
				}
				joints += len(parts) - 1
				want, err := predictor.Predict(space.Join(pieces))
				if err != nil {
					t.Fatal(err)
				}
				want.Kernels = nil
				if got := predictor.Sum(parts...); !reflect.DeepEqual(got, want) {
					t.Fatalf("%s, space %d: %v:\nby parts %+v\nwhole    %+v", fmt.Sprint(d), k, a, got, want)
				}
			}
		}
		if joints < 500 || open < 50 {
			t.Errorf("%v: %d places to cut, %d not to cut", d, joints, open)
		}
	}
}
