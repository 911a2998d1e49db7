package space

import (
	"slices"
	"strings"
	"testing"
)

// TestNarrow narrows every gene of a space to its last choice: the genes that are left are the others, and the
// spec that was narrowed stays as it was.
func TestNarrow(t *testing.T) {
	spec := Spec{Input: []int{64, 64, 3}, Classes: 10, Resolution: Ints{32, 64}, Width: Floats{0.5, 1},
		OutputStride: Ints{4, 8}, Stem: StemSpec{Channels: Ints{16, 32}},
		Stage: []StageSpec{
			{Channels: Ints{16, 24}, Depth: Ints{1, 2}, Block: Strings{"ds", "mbconv"}, Kernel: Kernels{3, 5}, SE: Floats{0, 0.25}},
			{Channels: Ints{32}, Depth: Ints{2}, Choice: []ChoiceSpec{{Block: Strings{"skip"}}, {Block: Strings{"mbconv"}}}},
		}, Head: HeadSpec{Channels: Ints{128, 256}}}
	s, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range s.Genes() {
		line := lineOf(g)
		if seen[line] {
			continue
		}
		seen[line] = true
		whole := s.Spec()
		narrowed, err := whole.Narrow(line, []int{len(g.Choices) - 1})
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		n, err := New(narrowed)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if slices.ContainsFunc(n.Genes(), func(g Gene) bool { return lineOf(g) == line }) {
			t.Errorf("%s is still a gene", line)
		}
		if again, err := New(whole); err != nil || again.ID() != s.ID() {
			t.Errorf("%s: the spec that was narrowed is another one now (%v)", line, err)
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d lines of genes, want 11: %v", len(seen), seen)
	}
	for _, bad := range []string{
		"", "depth", "stage[3].depth", "stage.depth", "stage[1].stage", "stem.per", "nonsense.x",
	} {
		if _, err := s.Spec().Narrow(bad, []int{0}); err == nil {
			t.Errorf("%q was narrowed", bad)
		}
	}
	if _, err := s.Spec().Narrow("width", []int{2}); err == nil || !strings.Contains(err.Error(), "2") {
		t.Errorf("a choice that is not there: %v", err)
	}
}

// lineOf is the line of a config that decides a gene.
func lineOf(g Gene) string {
	if head, _, ok := strings.Cut(g.Name, ".block["); ok {
		return head + "." + g.Key
	}
	return g.Name
}
