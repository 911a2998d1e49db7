package search

// hashSet is a set of hashes whose bits are as good as random: a hash table with open
// addressing and linear probing. The zero value is empty.
type hashSet struct {
	slots []uint64 // 0 is free
	n     int
	zero  bool // 0 itself is in the set
}

// add puts h into the set and reports whether it was not there.
func (s *hashSet) add(h uint64) bool {
	if h == 0 {
		added := !s.zero
		s.zero = true
		return added
	}
	if 3*len(s.slots) <= 4*s.n { // three quarters are taken
		old := s.slots
		s.slots = make([]uint64, max(64, 2*len(old)))
		for _, v := range old {
			if v != 0 {
				s.slots[s.find(v)] = v
			}
		}
	}
	k := s.find(h)
	if s.slots[k] == h {
		return false
	}
	s.slots[k] = h
	s.n++
	return true
}

// has reports whether h is in the set.
func (s *hashSet) has(h uint64) bool {
	if h == 0 {
		return s.zero
	}
	return s.n > 0 && s.slots[s.find(h)] == h
}

// find returns the slot of h, or the one where it would go.
func (s *hashSet) find(h uint64) int {
	mask := len(s.slots) - 1
	k := int(h) & mask
	for s.slots[k] != 0 && s.slots[k] != h {
		k = (k + 1) & mask
	}
	return k
}

// len is the number of hashes in the set.
func (s *hashSet) len() int {
	if s.zero {
		return s.n + 1
	}
	return s.n
}
