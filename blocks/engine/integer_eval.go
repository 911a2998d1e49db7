package engine

import "nas/blocks/quant"

// integerEvalRun computes a node by the readable reference of package quant, image by image:
// ops that have no kernels on bytes, be it with integers or, where there is no integer form,
// with floats between roundings.
type integerEvalRun struct {
	q     *quant.Network
	node  int
	dst   *tensor
	src   []*tensor
	batch int
}

func makeIntegerEval(b *integerBinding) (runner, need, error) {
	return &integerEvalRun{b.q, b.s.Nodes[len(b.s.Nodes)-1], b.dst, b.src, b.unit.Batch}, need{}, nil
}

func (r *integerEvalRun) maxParts() int { return 1 }

func (r *integerEvalRun) run(_, _ int, _ *thread) {
	values := make([][]int32, len(r.q.Nodes))
	inputs := r.q.Net.Nodes[r.node].Inputs
	for k := range r.batch {
		for i, t := range r.src {
			v := make([]int32, 0, t.Elems())
			for p := k * t.Pixels(); p < (k+1)*t.Pixels(); p++ {
				for _, b := range t.bytes[p*t.pix:][:t.C] {
					v = append(v, int32(b)-signed)
				}
			}
			values[inputs[i]] = v
		}
		out := make([]int32, r.dst.Elems())
		values[r.node] = out
		r.q.Compute(r.node, values)
		for p := range r.dst.Pixels() {
			to := r.dst.bytes[(k*r.dst.Pixels()+p)*r.dst.pix:][:r.dst.C]
			for c := range to {
				to[c] = uint8(out[p*r.dst.C+c] + signed)
			}
		}
	}
}
