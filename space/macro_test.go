package space

import (
	"bytes"
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"testing"
)

// macro is the space of NAS-Bench-Macro.
func macro() Spec {
	s := Spec{Input: []int{32, 32, 3}, Classes: 10,
		Stem: StemSpec{Channels: Ints{32}, Stride: Ints{1}, Activation: Strings{"relu"}},
		Head: HeadSpec{Channels: Ints{1280}, Activation: Strings{"relu"}}}
	for i, depth := range []int{2, 3, 3} {
		s.Stage = append(s.Stage, StageSpec{Channels: Ints{64 << i}, Stride: Ints{2}, Depth: Ints{depth},
			Activation: Strings{"relu"},
			Choice: []ChoiceSpec{
				{Block: Strings{"skip"}},
				{Block: Strings{"mbconv"}, Kernel: Kernels{3}, Expansion: Floats{3}},
				{Block: Strings{"mbconv"}, Kernel: Kernels{5}, Expansion: Floats{6}},
			}})
	}
	return s
}

// TestMacro rebuilds networks of NAS-Bench-Macro. The benchmark counts no bias;
// its MACs are ours.
func TestMacro(t *testing.T) {
	s, err := New(macro())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Size().Int64(); got != 3969 {
		t.Errorf("size %d, want the 3969 networks that were trained", got)
	}
	text, err := os.ReadFile("testdata/nasbench_macro.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	genes := func(digits string) (g Genes) {
		for _, d := range digits {
			g = append(g, uint16(d-'0'))
		}
		return g
	}
	for _, row := range rows[1:] {
		g := genes(row[0])
		if got, want := s.Canonical(g), genes(row[1]); !slices.Equal(got, want) {
			t.Errorf("%s: canonical %v, want %v", row[0], got, want)
		}
		n, err := s.Arch(g).Network()
		if err != nil {
			t.Fatal(err)
		}
		c := n.Counts()
		if p, m := strconv.FormatInt(c.Params, 10), strconv.FormatInt(c.MACs, 10); p != row[2] || m != row[3] {
			t.Errorf("%s: params %s, MACs %s, want %s, %s", row[0], p, m, row[2], row[3])
		}
	}
}
