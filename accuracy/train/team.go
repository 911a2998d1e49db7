package train

import (
	"sync"
	"sync/atomic"

	"nas/blocks/kernels"
)

// worker is what one goroutine has to itself.
type worker struct {
	set *kernels.Set
	sc  *kernels.Scratch
	tmp [2][]float32 // for a layer's use within a call
	// The maps of the images at hand that no other phase needs, and the first of these images.
	maps  []float32
	first int
}

// phase is work on a batch in which shards are independent of each other, and images within a shard too but for sums.
type phase struct {
	tasks []func(w *worker, s span)
	group int    // images that the tasks take at once, one task after the other
	end   func() // called when all shards are done; may be nil
}

// team is the goroutines that compute.
type team struct {
	workers []*worker
	calls   chan func(w *worker)
	wait    sync.WaitGroup
}

func newTeam(set *kernels.Set, n int) *team {
	t := &team{calls: make(chan func(*worker))}
	for range n {
		t.workers = append(t.workers, &worker{set: set, sc: kernels.NewScratch(kernels.Need{})})
	}
	for _, w := range t.workers[1:] {
		go func() {
			for f := range t.calls {
				f(w)
				t.wait.Done()
			}
		}()
	}
	return t
}

// close ends the goroutines.
func (t *team) close() { close(t.calls) }

// do calls f for 0 to n-1, each once, from all workers.
func (t *team) do(n int, f func(w *worker, i int)) {
	var next atomic.Int64
	all := func(w *worker) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(w, i)
		}
	}
	for range t.workers[1:] {
		t.wait.Add(1)
		t.calls <- all
	}
	all(t.workers[0])
	t.wait.Wait()
}

// run carries out phases for a batch.
func (t *team) run(phases []phase, batch int) {
	each := batch / Shards
	for i := range phases {
		p := &phases[i]
		t.do(Shards, func(w *worker, shard int) {
			for k := 0; k < each; k += p.group {
				s := span{shard, shard*each + k, min(p.group, each-k), k == 0}
				w.first = s.first
				for _, task := range p.tasks {
					task(w, s)
				}
			}
		})
		if p.end != nil {
			p.end()
		}
	}
}
