package space_test

import (
	"fmt"
	"math/rand/v2"

	"nas/space"
)

func Example() {
	s, err := space.New(space.Spec{
		Input:   []int{32, 32, 3},
		Classes: 10,
		Width:   space.Floats{0.5, 1},
		Stage: []space.StageSpec{
			{Channels: space.Ints{16, 24}, Stride: space.Ints{2}, Depth: space.Ints{1, 2}, Kernel: space.Kernels{3, 5}},
			{Channels: space.Ints{48}, Stride: space.Ints{2}, Expansion: space.Floats{3, 6}, SE: space.Floats{0, 0.25}},
		},
		Head: space.HeadSpec{Channels: space.Ints{0}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	g := s.Sample(rand.New(rand.NewPCG(1, 0)))
	a := s.Arch(g)
	n, err := a.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Size(), "networks, one of them is", a.ID())
	fmt.Println(a)
	fmt.Println(n.Counts().Params, "parameters")
	// Output:
	// 96 networks, one of them is 1ea27f5f3445
	// 32x32x3 | conv_k3_s2_c32_relu6 | mbconv_k3_s2_x192_c16_relu6 | mbconv_k3_s2_x48_c48_relu6 | classifier_n10
	// 16954 parameters
}

// A network that somebody has is mapped to the nearest one of the space.
func ExampleSpace_Nearest() {
	s, err := space.New(space.Spec{
		Input: []int{32, 32, 3}, Classes: 10,
		Stage: []space.StageSpec{{Channels: space.Ints{16, 24, 32}, Stride: space.Ints{2}, Kernel: space.Kernels{3, 7},
			Expansion: space.Floats{2, 4}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := space.Parse("32x32x3 | conv_k3_s2_c32_relu6 | mbconv_k5_s2_x120_c28_relu6 | classifier_c1280_relu6_n10")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Arch(s.Nearest(a)))
	// Output:
	// 32x32x3 | conv_k3_s2_c32_relu6 | mbconv_k7_s2_x128_c32_relu6 | classifier_c1280_relu6_n10
}
