package space

import "testing"

func TestDivisor(t *testing.T) {
	for divisor, want := range map[int]string{
		0: "49x10x1 | conv_k3_s2_c8_relu6 | mbconv_k3_s1_x24_c16_relu6_se8:relu:hsigmoid | classifier_n12",
		4: "49x10x1 | conv_k3_s2_c8_relu6 | mbconv_k3_s1_x20_c12_relu6_se4:relu:hsigmoid | classifier_n12",
	} {
		s, err := New(Spec{Input: []int{49, 10, 1}, Classes: 12, Width: Floats{0.35}, Divisor: divisor,
			Stem: StemSpec{Channels: Ints{24}}, Head: HeadSpec{Channels: Ints{0}},
			Stage: []StageSpec{{Channels: Ints{36}, Expansion: Floats{2.5}, SE: Floats{0.2}}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Arch(make(Genes, len(s.Genes()))).String(); got != want {
			t.Errorf("divisor %d: %s, want %s", divisor, got, want)
		}
	}
	_, err := New(Spec{Input: []int{49, 10, 1}, Classes: 12, Divisor: 300, Stage: []StageSpec{{Channels: Ints{8}}}})
	if want := "space: space.divisor = 300: want 1 to 256"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
