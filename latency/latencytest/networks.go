package latencytest

import (
	"math/rand/v2"
	"testing"

	"nas/blocks"
	"nas/space"
)

// MobileSpec is a space of MobileNet-like networks, as large as a user's.
func MobileSpec() space.Spec {
	stage := func(channels, stride int, depth, dilation []int, se []float64) space.StageSpec {
		return space.StageSpec{
			Block: space.Strings{"mbconv"}, Channels: space.Ints{channels}, Stride: space.Ints{stride}, Depth: depth,
			Kernel: space.Kernels{3, 5, 7}, Expansion: space.Floats{3, 4, 6}, Dilation: dilation,
			Activation: space.Strings{"relu6", "hswish"}, SE: se,
		}
	}
	late, se := []int{1, 2}, []float64{0, 0.25}
	return space.Spec{
		Input: []int{224, 224, 3}, Classes: 1000,
		Resolution: space.Ints{160, 192, 224}, Width: space.Floats{0.25, 0.5, 0.75, 1, 1.25},
		Stem: space.StemSpec{Channels: space.Ints{32}, Activation: space.Strings{"relu6", "hswish"}},
		Stage: []space.StageSpec{
			{Block: space.Strings{"ds"}, Channels: space.Ints{16}, Activation: space.Strings{"relu6"}},
			stage(24, 2, []int{1, 2, 3, 4}, []int{1}, []float64{0}),
			stage(40, 2, []int{1, 2, 3, 4}, []int{1}, se),
			stage(80, 2, []int{1, 2, 3, 4}, late, se),
			stage(112, 1, []int{1, 2, 3, 4}, late, se),
			stage(192, 2, []int{1, 2, 3, 4}, late, se),
		},
		Head: space.HeadSpec{Kind: "classifier", Channels: space.Ints{1280}, Activation: space.Strings{"relu6", "hswish"}},
	}
}

// Networks draws n MobileNet-like networks, of 160 to 224 pixels, with a seed.
func Networks(t testing.TB, seed uint64, n int) []*blocks.Network {
	t.Helper()
	s, err := space.New(MobileSpec())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	nets := make([]*blocks.Network, n)
	for i := range nets {
		if nets[i], err = s.Arch(s.Sample(r)).Network(); err != nil {
			t.Fatal(err)
		}
	}
	return nets
}
