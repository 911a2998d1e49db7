package space

import "slices"

// stage is a stage of a space with its genes.
type stage struct {
	number                  int // from 1
	channels, stride, depth slot
	strides, depths         []int // the choices of their genes
	width                   widths
	shared                  bool               // all blocks share one set of genes
	blocks                  [][blockGenes]slot // the genes of each block, or the shared ones
	active                  [][]activeGene     // those of them that have a position
	starts                  []int              // positions where the blocks' genes start, and where the last block's end
	alike                   bool               // every kind has all the active genes
	values                  values
	options                 []template // the entries of a choice; nil without one
	style                   style
	skips                   bool // a block may be skip
	skipPick                pick // the first choices that make it one
}

// activeGene is a gene of a block and its position in the genotype.
type activeGene struct {
	gene blockGene
	at   int32
}

func (st *stage) init(s *Space, spec *StageSpec, number int) {
	st.number = number
	st.strides, st.depths = spec.Stride, spec.Depth
	st.width = newWidths(spec.Channels, s.spec.Width, "always", divisor(s.spec.Divisor))
	st.shared = spec.Per == "stage"
	st.style = style{spec.SEFrom == "input", activation(spec.SEActivation), activation(spec.SEGate),
		spec.ExpertsIn != "pointwise", spec.ExpertsIn != "depthwise",
		divisor(s.spec.Divisor)}
	st.channels = add(s, number, 0, "channels", spec.Channels)
	st.stride = add(s, number, 0, "stride", spec.Stride)
	st.depth = add(s, number, 0, "depth", spec.Depth)
	own := spec.blockSpec()
	st.values = own.values()
	var names []string
	for i := range spec.Choice {
		v := spec.Choice[i].values()
		st.options = append(st.options, v.template(&pick{}))
		names = append(names, spec.Choice[i].name())
	}
	n := slices.Max(spec.Depth)
	if st.shared {
		n = 1
	}
	st.blocks = make([][blockGenes]slot, n)
	for b := range st.blocks {
		block, gs := b+1, &st.blocks[b]
		st.starts = append(st.starts, len(s.genes))
		if st.shared {
			block = 0
		}
		for g := range gs {
			gs[g] = add(s, number, block, geneTable[g].key, own.choices(blockGene(g)).Interface())
		}
		if st.options != nil { // and every other gene is fixed
			gs[gKind] = add(s, number, block, "choice", names)
		}
	}
	st.starts = append(st.starts, len(s.genes))
	st.active, st.alike = make([][]activeGene, n), true
	for b := range st.blocks {
		for g, sl := range st.blocks[b] {
			if sl == fixed {
				continue
			}
			st.active[b] = append(st.active[b], activeGene{blockGene(g), int32(sl)})
			for i := range st.kinds() {
				st.alike = st.alike && st.kind(&pick{gKind: uint8(i)}).has(blockGene(g))
			}
		}
	}
	for i := range st.kinds() {
		if p := (pick{gKind: uint8(i)}); !st.skips && st.kind(&p) == skip {
			st.skips, st.skipPick = true, p
		}
	}
}

// kinds returns the number of choices of a block's first gene.
func (st *stage) kinds() int {
	if st.options != nil {
		return len(st.options)
	}
	return len(st.values[gKind])
}

// kind returns the kind of block that p chooses.
func (st *stage) kind(p *pick) Kind {
	if st.options != nil {
		return st.options[p[gKind]].kind()
	}
	return Kind(st.values[gKind][p[gKind]])
}

func (st *stage) template(p *pick) template {
	if st.options != nil {
		return st.options[p[gKind]]
	}
	return st.values.template(p)
}

// activeOf returns the active genes of block b, counted from 0.
func (st *stage) activeOf(b int) []activeGene {
	if st.shared {
		b = 0
	}
	return st.active[b]
}

// pick reads the genes of block b.
func (st *stage) pick(g Genes, b int) (p pick) {
	for _, a := range st.activeOf(b) {
		p[a.gene] = uint8(g[a.at])
	}
	return p
}

// setPick writes the genes of block b.
func (st *stage) setPick(g Genes, b int, p *pick) {
	for _, a := range st.activeOf(b) {
		g[a.at] = uint16(p[a.gene])
	}
}
