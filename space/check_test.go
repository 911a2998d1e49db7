package space

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// valid returns a spec without problems, for tests to break.
func valid() Spec {
	return Spec{Input: []int{32, 32, 3}, Classes: 10,
		Stage: []StageSpec{{Channels: Ints{16}}, {Channels: Ints{24}, Stride: Ints{2}}}}
}

func TestSpecProblems(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*Spec)
		want []string // one beginning for each problem, in order
	}{
		{"nothing", func(s *Spec) {}, nil},
		{"empty", func(s *Spec) { *s = Spec{} }, []string{
			"space.input is missing: want height", "space.classes is missing: want the number", "space.stage is missing: want at least one"}},
		{"many at once", func(s *Spec) {
			s.Input, s.Width = []int{32, 32}, Floats{1, -1, 1}
			s.Stage[1].Kernel, s.Stage[1].Block = Kernels{3, 40}, Strings{"mbcon"}
			s.Head.Kind = "detector"
		}, []string{"space.input = [32, 32]", "space.width[2] = -1", "space.width[3] = 1: want each choice once",
			`space.stage[2].block = "mbcon": want conv, grouped, ds, mbconv, fused, xception, uib, bottleneck or skip`,
			"space.stage[2].kernel[2] = 40: want 1 to 31, or [height, width]",
			`space.head.kind = "detector": want classifier, aspp, lraspp, fast_scnn, features or ssdlite`}},
		{"empty list", func(s *Spec) { s.Resolution = Ints{} }, []string{"space.resolution = []: want"}},
		{"channels", func(s *Spec) { s.Stage[0].Channels = nil }, []string{"space.stage[1].channels is missing"}},
		{"resolution", func(s *Spec) { s.Input = []int{512, 1024, 3}; s.Resolution = Ints{256, 9000} },
			[]string{"space.resolution[2] = 9000: want a height from 1 to 8192"}},
		{"ragged resolution", func(s *Spec) { s.Input = []int{30, 20, 3}; s.Resolution = Ints{31} },
			[]string{"space.resolution = 31: want"}},
		{"dead key", func(s *Spec) { s.Stage[0].Block, s.Stage[0].Expansion = Strings{"ds"}, Floats{3} },
			[]string{"space.stage[1].expansion = 3: want no such key: block ds does not use it (mbconv, fused, uib or bottleneck does)"}},
		{"live for one kind", func(s *Spec) {
			s.Stage[0].Block, s.Stage[0].Expansion = Strings{"ds", "mbconv"}, Floats{3}
		}, nil},
		{"no groups", func(s *Spec) { s.Stage[0].Block = Strings{"grouped"} }, []string{"space.stage[1].groups is missing"}},
		{"groups", func(s *Spec) { s.Stage[1].Block, s.Stage[1].Groups = Strings{"grouped"}, Ints{2, 16} },
			[]string{"space.stage[2].groups = 16: want a divisor of 24, the channels that a grouped block meets at width 1"}},
		{"choice with a list", func(s *Spec) {
			s.Stage[0].Choice, s.Stage[0].Kernel = []ChoiceSpec{{Block: Strings{"skip"}}, {Kernel: Kernels{3, 5}}}, Kernels{3, 5}
		}, []string{"space.stage[1].kernel = a list of 2", "space.stage[1].choice[2].kernel = a list of 2"}},
		{"choice", func(s *Spec) {
			s.Stage[0].Choice = []ChoiceSpec{{Block: Strings{"skip"}, Kernel: Kernels{3}}, {Block: Strings{"nothing"}}}
		}, []string{"space.stage[1].choice[1].kernel = 3: want no such key", `space.stage[1].choice[2].block = "nothing"`}},
		{"head keys", func(s *Spec) { s.Head = HeadSpec{Kind: "aspp", Hidden: Ints{8}, Low: 1, Rates: []int{1}} },
			[]string{"space.head.hidden = 8: want no such key", "space.head.rates[1] = 1", "space.head.low = 1: want no such key"}},
		{"low", func(s *Spec) { s.Head = HeadSpec{Kind: "lraspp", Low: 3} },
			[]string{"space.head.low = 3: want the number of a stage, 1 to 2"}},
		{"output stride", func(s *Spec) { s.OutputStride, s.Stage[0].Stride = Ints{8, 16}, Ints{1, 2} },
			[]string{"space.stage[1].stride = [1, 2]: want one value where output_stride is set"}},
		{"too deep", func(s *Spec) { s.Stage = slices.Repeat([]StageSpec{{Channels: Ints{8}, Depth: Ints{64}}}, 17) },
			[]string{"space.stage = up to 1088 blocks"}},
		{"too many variants", func(s *Spec) {
			s.Stage[0].Kernel = Kernels{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31}
			s.Stage[0].Dilation = Ints{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
			for i := range 60 {
				s.Stage[0].Expansion = append(s.Stage[0].Expansion, float64(i+2)/2)
				s.Stage[0].SE = append(s.Stage[0].SE, float64(i)/100)
			}
			s.Stage[0].Residual = Bools{true, false}
		}, []string{"space.stage[1] = 1843200 variants of one block"}},
		{"too large", func(s *Spec) { s.Input, s.Stage[0].Channels = []int{8192, 8192, 3}, Ints{16384} },
			[]string{"space.stage[1] = a network too large: want smaller choices: stage 1, block 1"}},
	} {
		s := valid()
		tt.set(&s)
		_, err := New(s)
		var se *SpecError
		if err != nil && !errors.As(err, &se) {
			t.Errorf("%s: error of type %T", tt.name, err)
			continue
		}
		if se == nil {
			se = &SpecError{}
		}
		ok := len(se.Problems) == len(tt.want)
		for i := 0; ok && i < len(tt.want); i++ {
			ok = strings.HasPrefix(se.Problems[i].String(), tt.want[i])
		}
		if !ok {
			t.Errorf("%s:\n%v, want\n%s", tt.name, se, strings.Join(tt.want, "\n"))
		}
	}
}

// TestRandomSpec: the tests that start from random specs meet every gene of a block.
func TestRandomSpec(t *testing.T) {
	r := newRand(2)
	met := map[string]bool{}
	for range 200 {
		s, err := New(randomSpec(r))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range s.Genes() {
			met[g.Key] = true
		}
	}
	for _, row := range geneTable {
		if !met[row.key] {
			t.Errorf("no random spec has choices of %s", row.key)
		}
	}
}

// TestSpecKept: New does not write to what it was given, and the completed spec
// describes the same space.
func TestSpecKept(t *testing.T) {
	r := newRand(9)
	for range 200 {
		spec := randomSpec(r)
		stage := spec.Stage[0].Kernel
		a, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(stage, spec.Stage[0].Kernel) {
			t.Fatal("New changed its argument")
		}
		b, err := New(a.Spec())
		if err != nil {
			t.Fatalf("completed spec: %v", err)
		}
		if a.ID() != b.ID() || a.Size().Cmp(b.Size()) != 0 {
			t.Fatalf("%+v: completed spec has ID %s, want %s", spec, b.ID(), a.ID())
		}
	}
}

// TestOutputStride follows DeepLab's rule through a MobileNetV2.
func TestOutputStride(t *testing.T) {
	spec := mobileNetV2(1, 512)
	spec.OutputStride = Ints{8, 16, 32, 64, 0}
	s, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Size().Int64(); got != 3 {
		t.Errorf("size %d, want 3: limits of 32, 64 and none are one", got)
	}
	// stride and dilation of the blocks of the last four stages
	for g, want := range map[uint16]string{
		0: "1/1 1/2 1/2 1/2 | 1/2 1/2 1/2 | 1/2 1/4 1/4 | 1/4 |",
		1: "2/1 1/1 1/1 1/1 | 1/1 1/1 1/1 | 1/1 1/2 1/2 | 1/2 |",
		2: "2/1 1/1 1/1 1/1 | 1/1 1/1 1/1 | 2/1 1/1 1/1 | 1/1 |",
	} {
		var sb strings.Builder
		for _, st := range s.Arch(Genes{g}).Stages[3:] {
			for _, b := range st {
				sb.WriteString(text(b.Stride) + "/" + text(b.Dilation) + " ")
			}
			sb.WriteString("| ")
		}
		if got := strings.TrimSpace(sb.String()); got != want {
			t.Errorf("output stride %d:\n%s, want\n%s", spec.OutputStride[g], got, want)
		}
	}
}
