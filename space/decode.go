package space

import "nas/blocks"

// flow follows channels, stride and dilation from stage to stage.
type flow struct {
	cin      int
	total    int // stride so far
	limit    int // on total; 0 means none
	dilation int
}

func (s *Space) flow(g Genes) flow {
	f := flow{cin: s.spec.Input[2], total: 1, limit: s.spec.OutputStride[s.outputStride.of(g)], dilation: 1}
	if c := s.stem.width.eff[s.width.of(g)][s.stem.channels.of(g)]; c > 0 {
		f.cin, f.total = c, s.spec.Stem.Stride[s.stem.stride.of(g)]
	}
	return f
}

// next returns the sites of a stage's first block and of its other blocks. The stage's
// output has cout channels; stride is an index into its choices of strides.
func (f *flow) next(st *stage, stride, cout int) (first, rest site) {
	n := st.strides[stride]
	first = site{cin: f.cin, cout: cout, stride: n, dilation: f.dilation}
	if n > 1 && f.limit > 0 && f.total*n > f.limit {
		first.stride, first.forced = 1, true
		f.dilation *= n
	} else {
		f.total *= n
	}
	f.cin = cout
	return first, site{cin: cout, cout: cout, stride: 1, dilation: f.dilation}
}

// Arch returns the network that g stands for. Genotypes with equal canonical form have equal
// Archs.
func (s *Space) Arch(g Genes) Arch {
	a := Arch{Input: s.inputOf(g), Stages: make([][]Block, len(s.stages)), Head: s.headOf(g)}
	n := 1
	for i := range s.stages {
		n += s.stages[i].depths[s.stages[i].depth.of(g)]
	}
	all := make([]Block, 0, n)
	if b, ok := s.stemOf(g); ok {
		all = append(all, b)
		a.Stem = all[:1:1]
	}
	f, w := s.flow(g), s.width.of(g)
	for i := range s.stages {
		st := &s.stages[i]
		start := len(all)
		p, rest := f.next(st, st.stride.of(g), st.width.eff[w][st.channels.of(g)])
		for b := range st.depths[st.depth.of(g)] {
			pk := st.pick(g, b)
			t := st.template(&pk)
			last := len(all)
			if all = all[:last+1]; !t.buildTo(&all[last], p, &st.style) {
				all = all[:last]
			}
			p = rest
		}
		if len(all) > start {
			a.Stages[i] = all[start:len(all):len(all)]
		}
	}
	return a
}

// Describe returns the text of g's Arch and its ID. It is faster than building the Arch.
func (s *Space) Describe(g Genes) (text, id string) {
	sc := s.scratch()
	defer s.free(sc)
	t := append(appendInput(sc.text[:0], s.inputOf(g)), " |"...)
	if b, ok := s.stemOf(g); ok {
		t = b.append(append(t, ' '))
	} else {
		t = append(t, " -"...)
	}
	f, w := s.flow(g), s.width.of(g)
	for i := range s.stages {
		st := &s.stages[i]
		t = append(t, " |"...)
		start := len(t)
		p, rest := f.next(st, st.stride.of(g), st.width.eff[w][st.channels.of(g)])
		for b := range st.depths[st.depth.of(g)] {
			pk := st.pick(g, b)
			if c := s.built.at(st, &pk, &p); c.text != "" {
				t = append(append(t, ' '), c.text...)
			}
			p = rest
		}
		if len(t) == start {
			t = append(t, " -"...)
		}
	}
	h := s.headOf(g)
	t = h.append(append(t, " | "...))
	sc.text = t
	return string(t), idOf(t)
}

func (s *Space) inputOf(g Genes) blocks.Shape {
	in, height := s.spec.Input, s.spec.Resolution[s.resolution.of(g)]
	return blocks.Shape{H: height, W: height * in[1] / in[0], C: in[2]}
}

// stemOf returns the stem's block, if it has one.
func (s *Space) stemOf(g Genes) (b Block, ok bool) {
	c := s.stem.width.eff[s.width.of(g)][s.stem.channels.of(g)]
	if c == 0 {
		return b, false
	}
	b = Block{
		Kind: Conv, Stride: s.spec.Stem.Stride[s.stem.stride.of(g)],
		Dilation: 1, Groups: 1, Channels: c, Activation: blocks.ActFunc(s.stem.acts[s.stem.activation.of(g)]),
	}
	b.setKernel(s.spec.Stem.Kernel[s.stem.kernel.of(g)])
	return b, true
}

func (s *Space) headOf(g Genes) Head {
	h := &s.head
	x := Head{Kind: h.kind, Channels: h.width.eff[s.width.of(g)][h.channels.of(g)],
		Hidden: s.spec.Head.Hidden[h.hidden.of(g)], Rates: h.rates, Classes: s.spec.Classes}
	if headTable[h.kind].bare {
		return Head{Kind: h.kind}
	}
	if x.acts() {
		x.Activation = blocks.ActFunc(h.acts[h.activation.of(g)])
	}
	if headTable[h.kind].low {
		if x.Low = s.spec.Head.Low; x.Low == 0 {
			x.Low = s.lowOf(g)
		}
	}
	return x
}

// lowOf returns the number of the last stage whose output has at least an eighth of the
// input's extent. A head takes its detail from there unless the spec says otherwise.
func (s *Space) lowOf(g Genes) int {
	f, low := s.flow(g), 1
	for i := range s.stages {
		st := &s.stages[i]
		f.next(st, st.stride.of(g), 0)
		if f.total <= 8 {
			low = i + 1
		}
	}
	return low
}
