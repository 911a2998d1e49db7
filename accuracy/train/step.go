package train

import (
	"math"

	"nas/blocks/kernels"
)

// pass carries out the forward phases for a batch. load writes the images of a span.
func (m *model) pass(t *team, load func(w *worker, s span, dst []float32)) {
	for _, w := range t.workers {
		w.sc.Grow(m.need)
		if len(w.maps) < m.local {
			w.maps = kernels.Alloc(m.local)
		}
	}
	t.do(len(m.prepare), func(_ *worker, i int) { m.prepare[i]() })
	m.forward[0].tasks[0] = func(w *worker, s span) {
		if s.start {
			clear(m.grads[s.shard])
		}
		load(w, s, m.input.of(w, s))
	}
	t.run(m.forward, m.batch)
}

// gradients finds the gradients of the mean loss of a batch, shard by shard, in m.grads. It returns the mean loss and
// the number of images whose label has the largest logit.
func (m *model) gradients(t *team, load func(w *worker, s span, dst []float32), label func(i int) int,
	smoothing float64) (loss float64, right int) {
	m.pass(t, load)
	var losses [Shards]float64
	var rights [Shards]int
	m.backward[0].tasks[0] = func(w *worker, s span) {
		for i := range s.n {
			one := span{s.shard, s.first + i, 1, false}
			l, ok := crossEntropy(m.dLogits.of(w, one), m.logits.of(w, one), label(one.first), smoothing, 1/float64(m.batch))
			losses[s.shard] += l
			if ok {
				rights[s.shard]++
			}
		}
	}
	t.run(m.backward, m.batch)
	for i := range losses {
		loss += losses[i]
		right += rights[i]
	}
	return loss / float64(m.batch), right
}

// chunk is some neighbouring parameters of one tensor.
type chunk struct {
	from, to int
	decays   bool
}

// chunkFloats bounds a chunk.
const chunkFloats = 16 << 10

// chunks cuts the parameters.
func (m *model) chunks() (all []chunk) {
	for _, p := range m.params {
		for at := 0; at < p.n; at += chunkFloats {
			all = append(all, chunk{p.at + at, p.at + min(at+chunkFloats, p.n), p.matrix})
		}
	}
	return all
}

// reduce adds the gradients of all shards, in their order, to those of the first, and returns the Euclidean norm of the
// sum.
func (m *model) reduce(t *team, all []chunk) float64 {
	squares := make([]float64, len(all))
	t.do(len(all), func(w *worker, i int) {
		sum := m.grads[0][all[i].from:all[i].to]
		for _, g := range m.grads[1:] {
			addTo(w, sum, g[all[i].from:all[i].to])
		}
		for _, v := range sum {
			squares[i] += float64(v) * float64(v)
		}
	})
	total := 0.0
	for _, v := range squares {
		total += v
	}
	return math.Sqrt(total)
}

// average moves the averaged parameters towards the present ones: kept is the share that stays.
func average(averaged, values []float32, kept float32) {
	for i, v := range values {
		averaged[i] += float32((1 - kept) * (v - averaged[i]))
	}
}
