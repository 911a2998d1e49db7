package space

import "testing"

// identities are the IDs of spaces with one stage of a kind and its defaults. They never change: the manifests of runs
// hold them, and a genotype means the same network in all spaces with one ID.
var identities = map[string]string{
	"conv":       "fd81e19172fe",
	"grouped":    "eae3a605d759",
	"ds":         "47820371bdcb",
	"mbconv":     "d469ff0c0b54",
	"fused":      "c0ce4465d79a",
	"xception":   "21ba3026ca52",
	"uib":        "d03340b1bef0",
	"bottleneck": "ba32b538072c",
	"skip":       "5a6bbc777125",
}

func TestIDsStay(t *testing.T) {
	for k, word := range kindWords {
		st := StageSpec{Block: Strings{word}, Channels: Ints{16}, Stride: Ints{2}}
		if Kind(k).has(gGroups) {
			st.Groups = Ints{2}
		}
		if Kind(k).has(gExpansion) {
			st.Expansion = Floats{2}
		}
		s, err := New(Spec{Input: []int{32, 32, 3}, Classes: 10, Stem: StemSpec{Channels: Ints{8}}, Stage: []StageSpec{st}})
		if err != nil {
			t.Fatalf("%s: %v", word, err)
		}
		if got := s.ID(); got != identities[word] {
			t.Errorf("a space of %s blocks has the ID %s, want %s: a gene that is new must not be in the text that ID "+
				"hashes while it has its default", word, got, identities[word])
		}
	}
}
