package int8

import "nas/blocks/kernels"

// Lookup computes dst = t[src]. dst may be src.
func (s *Set) Lookup(m kernels.Map, dst, src View, t *[256]uint8) {
	each(m, &dst, &src, nil, func(d, a, _ []byte) {
		for i, q := range a {
			d[i] = t[q]
		}
	})
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
