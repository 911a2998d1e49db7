package train

import (
	"math/rand/v2"
	"testing"

	"nas/blocks/kernels"
	"nas/blocks/kernels/kernelstest"
)

// TestNorm compares batch normalisation and each activation behind it with their definitions, for means that are far
// from zero.
func TestNorm(t *testing.T) {
	const pixels, images, epsilon = 7, 16, 1e-3
	for _, act := range kernelstest.Acts() {
		for _, c := range []int{1, 3, 8, 13, 40} {
			r := rand.New(rand.NewPCG(uint64(c), 2))
			m := &model{set: kernels.Best(), batch: images, values: make([]float32, 2*c), track: func(int, float64) {}}
			for i := range m.grads {
				m.grads[i] = make([]float32, 2*c)
			}
			o := newNorm(m, c, pixels)
			o.act, o.epsilon, o.shift = act, epsilon, c
			o.in, o.out, o.dOut = &tensor{elems: pixels * c}, &tensor{elems: pixels * c}, &tensor{elems: pixels * c}
			o.dIn = gradient{t: o.dOut}
			for _, t := range []*tensor{o.in, o.out, o.dOut} {
				t.use(0)
			}
			place([]*tensor{o.in, o.out, o.dOut}, images)
			n := images * pixels * c
			x, dy := make([]float64, n), make([]float64, n)
			for i := range x {
				o.in.data[i], o.dOut.data[i] = float32(2*r.NormFloat64()+20), float32(r.NormFloat64())
				x[i], dy[i] = float64(o.in.data[i]), float64(o.dOut.data[i])
			}
			scale, shift := make([]float64, c), make([]float64, c)
			for i := range c {
				m.values[i], m.values[c+i] = float32(r.NormFloat64()), float32(r.NormFloat64())
				scale[i], shift[i] = float64(m.values[i]), float64(m.values[c+i])
			}
			team := newTeam(m.set, 2)
			team.run([]phase{{[]func(*worker, span){o.collect}, 1, o.combine}, {[]func(*worker, span){o.forward}, 2, nil},
				{[]func(*worker, span){o.collectBack}, 1, o.combineBack}, {[]func(*worker, span){o.backward}, 2, nil}}, images)
			team.close()

			u := make([]float64, n)
			kernelstest.Norm(u, x, scale, shift, epsilon)
			y := make([]float64, n)
			for i := range u {
				y[i] = kernelstest.Act(act, u[i])
				dy[i] *= kernelstest.Slope(act, u[i])
			}
			dx, dScale, dShift := make([]float64, n), make([]float64, c), make([]float64, c)
			kernelstest.NormBackward(dx, dScale, dShift, dy, x, scale, epsilon)
			for _, v := range []struct {
				name string
				got  []float32
				want []float64
			}{{"output", o.out.data, y}, {"gradient by the input", o.dOut.data, dx},
				{"gradient by the scale", m.grads[0][:c], dScale}, {"gradient by the shift", m.grads[0][c:], dShift}} {
				if e := apart(v.got, v.want); !(e < 1e-4) {
					t.Errorf("%v, %d channels: the %s differs by %.2g", act, c, v.name, e)
				}
			}
		}
	}
}
