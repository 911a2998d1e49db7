package train

import "slices"

// groupFloats is about the number of floats of the largest map in a group of images, so that they stay in the
// second-level cache from one layer to the next.
const groupFloats = 32 << 10

// scheduler cuts the work of a step into phases.
type scheduler struct {
	phases []phase
	used   [][]*tensor // of each phase
}

// open begins a phase.
func (c *scheduler) open() {
	c.phases = append(c.phases, phase{})
	c.used = append(c.used, nil)
}

// add puts a task at the end of the last phase.
func (c *scheduler) add(f func(w *worker, s span), uses []*tensor) {
	last := len(c.phases) - 1
	c.phases[last].tasks = append(c.phases[last].tasks, f)
	c.used[last] = append(c.used[last], uses...)
}

// end lets the last phase end with a function, and begins the next.
func (c *scheduler) end(f func()) {
	c.phases[len(c.phases)-1].end = f
	c.open()
}

// schedule cuts the work into phases and plans the memory.
func (m *model) schedule(l *lowering) {
	var c scheduler
	c.open()
	c.add(nil, []*tensor{m.input}) // the images: see [model.pass]
	for _, o := range m.layers {
		uses, _ := o.uses()
		if st, ok := o.layer.(staged); ok {
			collect, _ := st.sums()
			c.add(st.collect, collect)
			c.end(st.combine)
		}
		c.add(o.forward, uses)
	}
	count := len(c.phases)
	c.open()
	c.add(nil, []*tensor{m.logits, m.dLogits}) // the loss: see [model.gradients]
	for _, o := range slices.Backward(m.layers) {
		if !o.back {
			continue
		}
		_, uses := o.uses()
		if st, ok := o.layer.(staged); ok {
			_, collect := st.sums()
			c.add(st.collectBack, collect)
			c.end(st.combineBack)
		}
		c.add(o.backward, uses)
	}
	for i, list := range c.used {
		most := 1
		for _, t := range list {
			t.use(i)
			most = max(most, t.elems)
		}
		c.phases[i].group = min(max(1, groupFloats/most), m.batch/Shards)
	}
	m.remember(&c, l.tensors(), count)
	m.forward, m.backward = c.phases[:count], c.phases[count:]
}

// remember decides which maps are kept for the whole batch. One that a single phase uses is not. Nor is the output of a
// batch normalisation that one phase uses forward and one backward: it is computed again from the input, which is in
// the cache then, instead of being written to memory and read again. count is the number of forward phases.
func (m *model) remember(c *scheduler, all []*tensor, count int) {
	var kept, local []*tensor
	again := map[*tensor]*norm{}
	for _, o := range m.layers {
		if n, ok := o.layer.(*norm); ok {
			again[n.out] = n
		}
	}
	for _, t := range all {
		n := again[t]
		switch p := t.phases; {
		case len(p) == 0: // of a node whose gradient nobody reads
		case len(p) == 1:
			local = append(local, t)
		case n != nil && len(p) == 2 && p[0] < count && p[1] >= count:
			local = append(local, t)
			tasks := &c.phases[p[1]].tasks
			first := 0
			if (*tasks)[0] == nil {
				first = 1 // behind the loss
			}
			*tasks = slices.Insert(*tasks, first, n.forward)
			n.in.phases = append(n.in.phases, p[1])
			slices.Sort(n.in.phases)
		default:
			kept = append(kept, t)
		}
	}
	size := func(t *tensor) (most int) {
		for _, p := range t.phases {
			most = max(most, t.elems*c.phases[p].group)
		}
		return most
	}
	placed, floats := arrange(local, size, (*tensor).meets)
	for _, p := range placed {
		p.t.local = p.at
	}
	m.local = floats
	m.floats = place(kept, m.batch)
}
