package space

import "math/big"

// Size returns the exact number of canonical genotypes: the number of networks, except for
// duplicates that [Space.Canonical] does not see. The result is the caller's.
//
// Networks are counted stage by stage. The number of continuations depends on the channels
// so far, on the output stride, and on the set of width multipliers that can give all
// channels so far. The set keeps a network that two multipliers share from being counted
// twice.
func (s *Space) Size() *big.Int {
	s.sizeOnce.Do(func() { s.size = s.count() })
	return new(big.Int).Set(s.size)
}

// state is what the number of continuations depends on.
type state struct {
	cin  int
	mask uint64 // width multipliers that can give all channels so far
}

func (s *Space) count() *big.Int {
	total := new(big.Int)
	for o, same := range s.sameStride {
		if same != o {
			continue
		}
		for k := range s.spec.Stem.Stride {
			total.Add(total, s.countFrom(o, k))
			if s.spec.Stem.Channels[0] == 0 {
				break
			}
		}
	}
	return total.Mul(total, big.NewInt(int64(len(s.spec.Resolution))))
}

// countFrom counts the networks of one output stride and one stride of the stem.
func (s *Space) countFrom(outputStride, stemStride int) *big.Int {
	g := make(Genes, len(s.genes))
	s.outputStride.set(g, outputStride)
	s.stem.stride.set(g, stemStride)
	f := s.flow(g)

	ways := map[state]*big.Int{}
	if stems := s.stem.width.reach(); s.spec.Stem.Channels[0] == 0 {
		ways[state{s.spec.Input[2], stems[0]}] = big.NewInt(1)
	} else {
		n := int64(len(s.spec.Stem.Kernel) * len(s.stem.acts))
		for c, mask := range stems {
			ways[state{c, mask}] = big.NewInt(n)
		}
	}
	for i := range s.stages {
		st := &s.stages[i]
		next := map[state]*big.Int{}
		couts := st.width.reach()
		memo := map[[3]int]*big.Int{}
		for from, n := range ways {
			for cout, mask := range couts {
				to := state{cout, from.mask & mask}
				if to.mask == 0 {
					continue
				}
				for k := range st.strides {
					at := [3]int{from.cin, cout, k}
					m := memo[at]
					if m == nil {
						fl := f
						fl.cin = from.cin
						first, rest := fl.next(st, k, cout)
						m = st.countAt(first, rest)
						memo[at] = m
					}
					sum := next[to]
					if sum == nil {
						sum = new(big.Int)
						next[to] = sum
					}
					sum.Add(sum, new(big.Int).Mul(n, m))
				}
			}
		}
		// With a limit on the output stride, strides are not genes and any choice of
		// strides updates f correctly. Without a limit, f needs no update: neither stride
		// nor dilation carries over to the next stage.
		f.next(st, 0, 0)
		ways = next
	}

	total, heads := new(big.Int), s.head.width.reach()
	for from, n := range ways {
		for c, mask := range heads {
			if from.mask&mask == 0 {
				continue
			}
			for _, hidden := range s.spec.Head.Hidden {
				acts := len(s.head.acts)
				if c == 0 && hidden == 0 {
					acts = 1
				}
				total.Add(total, new(big.Int).Mul(n, big.NewInt(int64(acts))))
			}
		}
	}
	return total
}

// countAt counts the different rows of blocks that a stage can become.
func (st *stage) countAt(first, rest site) *big.Int {
	n := new(big.Int)
	if st.shared {
		rows := map[sequence]bool{}
		st.picks(func(pk *pick) {
			for _, d := range st.depths {
				rows[st.sequence(pk, d, first, rest)] = true
			}
		})
		return n.SetInt64(int64(len(rows)))
	}
	firsts, rests := map[Block]bool{}, map[Block]bool{}
	st.picks(func(pk *pick) {
		t := st.template(pk)
		if b, ok := t.build(first, &st.style); ok {
			firsts[b] = true
		}
		if b, ok := t.build(rest, &st.style); ok {
			rests[b] = true
		}
	})
	f, r := big.NewInt(int64(len(firsts))), big.NewInt(int64(len(rests)))
	power := big.NewInt(1)               // power of r: the number of rows behind the first block
	used := make([]bool, st.deepest()+1) // by number of blocks, whether a row can have so many
	for _, d := range st.depths {
		used[d] = true
	}
	if st.skips {
		for d := range used {
			used[d] = d > 0
		}
		if first.vanishes() {
			n.SetInt64(1) // nothing at all
		}
	}
	for d := 1; d < len(used); d++ {
		if used[d] {
			n.Add(n, new(big.Int).Mul(f, power))
		}
		power.Mul(power, r)
	}
	return n
}

func (st *stage) deepest() int {
	n := 0
	for _, d := range st.depths {
		n = max(n, d)
	}
	return n
}

// picks calls f for every combination of choices of a block's genes.
func (st *stage) picks(f func(*pick)) {
	var p pick
	if st.options != nil {
		for i := range st.options {
			p[gKind] = uint8(i)
			f(&p)
		}
		return
	}
	for i := range st.values[gKind] {
		p = pick{gKind: uint8(i)}
		k := st.kind(&p)
		for done := false; !done; {
			f(&p)
			done = true
			for g := gKernel; g < blockGenes; g++ {
				if !k.has(g) {
					continue
				}
				if int(p[g])+1 < len(st.values[g]) {
					p[g]++
					done = false
					break
				}
				p[g] = 0
			}
		}
	}
}
