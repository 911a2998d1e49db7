package int8

import (
	"unsafe"

	"nas/blocks/kernels"
)

// Lookup computes dst = t[src]. dst may be src.
func (s *Set) Lookup(m kernels.Map, dst, src View, t *[256]uint8) {
	if s.vec[vecLookup] == nil {
		each(m, &dst, &src, nil, func(d, a, _ []byte) {
			for i, q := range a {
				d[i] = t[q]
			}
		})
		return
	}
	if !s.steps {
		s.elementwise(vecLookup, m, &dst, &src, nil, unsafe.Pointer(t))
		return
	}
	d := newDifferences(t)
	s.elementwise(vecLookup, m, &dst, &src, nil, unsafe.Pointer(&d))
}

// lookupOwn replaces the bytes of a map by a table's, if there is one.
func (s *Set) lookupOwn(m kernels.Map, v *View, t *[256]uint8) {
	if t != nil {
		s.Lookup(m, *v, *v, t)
	}
}

// differences is a table in which each sixteen bytes are the difference, bit by bit, to the sixteen before; both halves
// begin anew. The two bytes behind are constants of the kernels.
type differences [258]uint8

func newDifferences(t *[256]uint8) (d differences) {
	for i, q := range t {
		if d[i] = q; i%128 >= 16 {
			d[i] ^= t[i-16]
		}
	}
	d[256], d[257] = 16, 128
	return d
}

// Rescale moves values from one grid to another. dst may be src.
func (s *Set) Rescale(m kernels.Map, dst, src View, in Grid, out Output) {
	var t [256]uint8
	scale := in.Scale / out.Scale
	for q := range t {
		t[q] = out.store(int32(q)-int32(in.Zero), scale)
	}
	s.Lookup(m, dst, src, &t)
}
