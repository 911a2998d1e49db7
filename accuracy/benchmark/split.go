package benchmark

import (
	"hash/fnv"
	"io"

	"nas/internal/fault"
)

// Split is a part of a benchmark's networks.
type Split string

// The splits. A hash of a network's id decides which half it belongs to. Formulas and
// settings of the accuracy packages were chosen on the development half alone; the
// other half is for reporting.
const (
	AllNetworks Split = "all"
	Development Split = "development"
	HeldOut     Split = "held-out"
)

// Has tells whether the network of an id belongs to the split.
func (s Split) Has(id string) bool {
	if s == AllNetworks {
		return true
	}
	h := fnv.New32a()
	io.WriteString(h, id)
	return (int(h.Sum32()>>3)%2 == 0) == (s == Development)
}

// Split returns the rows that belong to a split.
func (b *Benchmark) Split(s Split) ([]Row, error) {
	if s != AllNetworks && s != Development && s != HeldOut {
		return nil, fault.Errorf("accuracy: unknown split %q, want %s, %s or %s", s, AllNetworks, Development, HeldOut)
	}
	var rows []Row
	for _, r := range b.Rows {
		if s.Has(r.ID) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}
