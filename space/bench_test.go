package space

import "testing"

// mobileSpace is a space of the size that people search on phones.
func mobileSpace(tb testing.TB) *Space {
	s := Spec{Input: []int{224, 224, 3}, Classes: 1000, Resolution: Ints{160, 192, 224},
		Width: Floats{0.25, 0.5, 0.75, 1, 1.25}}
	for i, c := range []Ints{{16}, {24, 32}, {32, 40}, {64, 80}, {96, 112}, {160, 192}, {320}} {
		st := StageSpec{Channels: c, Stride: Ints{[]int{1, 2, 2, 2, 1, 2, 1}[i]}, Depth: Ints{1, 2, 3, 4},
			Kernel: Kernels{3, 5, 7}, Expansion: Floats{3, 4, 6}, Activation: Strings{"relu6", "hswish"}, SE: Floats{0, 0.25}}
		if i > 3 {
			st.Dilation = Ints{1, 2}
		}
		s.Stage = append(s.Stage, st)
	}
	sp, err := New(s)
	if err != nil {
		tb.Fatal(err)
	}
	return sp
}

func BenchmarkSample(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	b.ReportAllocs()
	for b.Loop() {
		s.Sample(r)
	}
}

func BenchmarkMutate(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	g := s.Sample(r)
	b.ReportAllocs()
	for b.Loop() {
		g = s.Mutate(g, r)
	}
}

func BenchmarkCrossover(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	x, y := s.Sample(r), s.Sample(r)
	b.ReportAllocs()
	for b.Loop() {
		s.Crossover(x, y, r)
	}
}

func BenchmarkArch(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	g := s.Sample(r)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Arch(g)
	}
}

func BenchmarkString(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	a := s.Arch(s.Sample(r))
	b.ReportAllocs()
	for b.Loop() {
		_ = a.String()
	}
}

func BenchmarkID(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	a := s.Arch(s.Sample(r))
	b.ReportAllocs()
	for b.Loop() {
		_ = a.ID()
	}
}

func BenchmarkParse(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	text := s.Arch(s.Sample(r)).String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNetwork lowers MobileNetV2.
func BenchmarkNetwork(b *testing.B) {
	s, err := New(mobileNetV2(1, 224))
	if err != nil {
		b.Fatal(err)
	}
	a := s.Arch(Genes{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Network(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNearest(b *testing.B) {
	s := mobileSpace(b)
	v2, err := New(mobileNetV2(1, 224))
	if err != nil {
		b.Fatal(err)
	}
	a := v2.Arch(Genes{})
	for b.Loop() {
		s.Nearest(a)
	}
}

func BenchmarkSize(b *testing.B) {
	s := mobileSpace(b)
	for b.Loop() {
		s.count()
	}
}
