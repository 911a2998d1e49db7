package space

import "nas/blocks"

// flow follows channels, stride and dilation from stage to stage.
type flow struct {
	g        Genes
	cin      int
	total    int // stride so far
	limit    int // on total; 0 means none
	dilation int
}

func (s *Space) flow(g Genes) flow {
	f := flow{g: g, cin: s.spec.Input[2], total: 1, limit: s.spec.OutputStride[s.outputStride.of(g)], dilation: 1}
	if c := s.stem.width.eff[s.width.of(g)][s.stem.channels.of(g)]; c > 0 {
		f.cin, f.total = c, s.spec.Stem.Stride[s.stem.stride.of(g)]
	}
	return f
}

// next returns the places of a stage's first block and of the others. The
// stage's output has cout channels; stride is an index into its choices.
func (f *flow) next(st *stage, stride, cout int) (first, rest place) {
	n := st.strides[stride]
	first = place{cin: f.cin, cout: cout, stride: n, dilation: f.dilation}
	if n > 1 && f.limit > 0 && f.total*n > f.limit {
		first.stride, first.forced = 1, true
		f.dilation *= n
	} else {
		f.total *= n
	}
	f.cin = cout
	return first, place{cin: cout, cout: cout, stride: 1, dilation: f.dilation}
}

// Arch returns the description of the network that g stands for. Genotypes of
// equal Canonical form have equal Archs.
func (s *Space) Arch(g Genes) Arch {
	w := s.width.of(g)
	in := s.spec.Input
	height := s.spec.Resolution[s.resolution.of(g)]
	a := Arch{
		Input:  blocks.Shape{H: height, W: height * in[1] / in[0], C: in[2]},
		Stages: make([][]Block, len(s.stages)),
	}
	n := 1
	for i := range s.stages {
		n += s.stages[i].depths[s.stages[i].depth.of(g)]
	}
	all := make([]Block, 0, n)
	if c := s.stem.width.eff[w][s.stem.channels.of(g)]; c > 0 {
		a.Stem = append(all, Block{
			Kind: Conv, Kernel: s.spec.Stem.Kernel[s.stem.kernel.of(g)], Stride: s.spec.Stem.Stride[s.stem.stride.of(g)],
			Dilation: 1, Groups: 1, Channels: c, Activation: s.stem.acts[s.stem.activation.of(g)],
		})
		a.Stem = a.Stem[:1:1]
		all = all[:1]
	}
	f := s.flow(g)
	low, total := 1, a.strideOfStem()
	for i := range s.stages {
		st := &s.stages[i]
		start := len(all)
		p, rest := f.next(st, st.stride.of(g), st.width.eff[w][st.channels.of(g)])
		for b := range st.depths[st.depth.of(g)] {
			pk := st.pick(g, b)
			t := st.template(&pk)
			last := len(all)
			if all = all[:last+1]; t.buildTo(&all[last], p, &st.style) {
				total *= all[last].Stride
			} else {
				all = all[:last]
			}
			p = rest
		}
		if len(all) > start {
			a.Stages[i] = all[start:len(all):len(all)]
		}
		if total <= 8 {
			low = i + 1
		}
	}
	h := &s.head
	a.Head = Head{Kind: h.kind, Channels: h.width.eff[w][h.channels.of(g)], Hidden: s.spec.Head.Hidden[h.hidden.of(g)],
		Rates: h.rates, Classes: s.spec.Classes}
	if a.Head.acts() {
		a.Head.Activation = h.acts[h.activation.of(g)]
	}
	if headTable[h.kind].low {
		if a.Head.Low = s.spec.Head.Low; a.Head.Low == 0 {
			a.Head.Low = low
		}
	}
	return a
}

func (a *Arch) strideOfStem() int {
	n := 1
	for i := range a.Stem {
		n *= a.Stem[i].Stride
	}
	return n
}
