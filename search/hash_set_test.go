package search

import (
	"math/rand/v2"
	"testing"
)

// TestHashSet compares the set with a map, hashes close to each other and 0 included.
func TestHashSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s hashSet
	want := map[uint64]bool{}
	for range 20000 {
		h := r.Uint64N(5000)
		if r.IntN(2) == 0 {
			h <<= 40 // all start at one slot
		}
		if s.has(h) != want[h] || s.add(h) == want[h] || !s.has(h) {
			t.Fatalf("%#x: %v in the map", h, want[h])
		}
		if want[h] = true; s.len() != len(want) {
			t.Fatalf("%d hashes, %d in the map", s.len(), len(want))
		}
	}
}
