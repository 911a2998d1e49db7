package engine

import (
	"slices"

	"nas/blocks/kernels/int8"
)

// Activations live in one arena. The memory of a value is free for later ones
// once the value has been read for the last time. An elementwise call writes over
// its input if that is not read again. The input and, where possible, the output
// are the caller's slices. Offsets are assigned to the largest values first; each
// gets the lowest one that is free for the value's whole life. For chains of
// blocks the arena comes close to the largest sum of values alive at once.

const align = 16 // floats in a cache line

// assignMemory decides the storage of every value. owner is the value that holds
// it (itself for most); off is the owner's offset in the arena, or -1 if it lies in
// the caller's slices; size is that of the arena. Offsets and size are in floats.
func (p *Plan) assignMemory() (owner []int32, size int, off []int) {
	n := len(p.vals)
	owner, off = make([]int32, n), make([]int, n)
	life := make([][2]int32, n) // of owners
	for i, v := range p.vals {
		owner[i] = p.root(int32(i))
		life[i] = [2]int32{v.first, v.last}
	}
	for i := range p.vals {
		o := owner[i]
		life[o][0], life[o][1] = min(life[o][0], life[i][0]), max(life[o][1], life[i][1])
	}
	in, out := owner[0], int32(-1)
	if p.writesOut() {
		out = p.out[0]
	}
	for _, v := range p.out {
		life[owner[v]][1] = int32(len(p.steps))
	}
	for k := range p.steps {
		s := &p.steps[k]
		if !s.reuse || s.dst == out || p.vals[s.dst].parent >= 0 || owner[s.dst] != s.dst || holdsOthers(p.vals, s.dst) {
			continue
		}
		src := s.src[0]
		o := owner[src]
		if o == in || o == s.dst || p.vals[o].shape != p.vals[s.dst].shape || life[o][1] != int32(k) ||
			p.holdsBytes(o) != p.holdsBytes(s.dst) {
			continue
		}
		owner[s.dst] = o
		life[o][1] = max(life[o][1], life[s.dst][1])
	}
	ids := make([]int32, 0, n)
	for i := range p.vals {
		off[i] = -1
		if o := int32(i); owner[i] == o && o != in && o != out {
			ids = append(ids, o)
		}
	}
	length := func(o int32) int {
		n := p.vals[o].shape.Elems() * p.batch
		if p.holdsBytes(o) {
			n = (n + int8.Slack + 3) / 4
		}
		return roundUp(n, align)
	}
	slices.SortFunc(ids, func(a, b int32) int {
		if d := length(b) - length(a); d != 0 {
			return d
		}
		return int(a - b)
	})
	placed := make([]int32, 0, len(ids)) // by offset
	for _, o := range ids {
		at := 0
		for _, q := range placed {
			if life[q][0] > life[o][1] || life[q][1] < life[o][0] || off[q]+length(q) <= at {
				continue
			}
			if off[q] >= at+length(o) {
				break
			}
			at = off[q] + length(q)
		}
		off[o] = at
		size = max(size, at+length(o))
		k, _ := slices.BinarySearchFunc(placed, at, func(q int32, at int) int { return off[q] - at })
		placed = slices.Insert(placed, k, o)
	}
	return owner, size, off
}

// holdsBytes tells whether value v holds integers.
func (p *Plan) holdsBytes(v int32) bool { return p.target.DType == Int8 && !p.vals[v].real }

// root follows the concatenations that hold value v.
func (p *Plan) root(v int32) int32 {
	for p.vals[v].parent >= 0 {
		v = p.vals[v].parent
	}
	return v
}

// writesOut tells whether the one output value can be the caller's slice.
func (p *Plan) writesOut() bool {
	return len(p.out) == 1 && p.out[0] != 0 && p.vals[p.out[0]].parent < 0
}

// callerValue is a value that lies in one of the caller's slices, from float at on.
type callerValue struct {
	value int32
	at    int
}

// layout reserves memory in ws and makes the tensors.
func (p *Plan) layout(ws *Workspace) {
	owner, size, off := p.assignMemory()
	n := size
	for i := range p.steps {
		n += p.packedLen(&p.steps[i].Unit)
	}
	p.arena = ws.reserve(n).take(size)
	p.direct = p.writesOut()
	p.tensors = make([]tensor, len(p.vals))
	p.ins, p.outs = nil, nil
	for i := range p.vals {
		o := owner[i]
		t := &p.tensors[i]
		t.Shape = p.vals[i].shape
		t.pix = p.vals[o].shape.C
		at := 0
		for v := int32(i); p.vals[v].parent >= 0; v = p.vals[v].parent {
			at += int(p.vals[v].at)
		}
		if off[o] < 0 { // set by Run
			if o != owner[0] {
				p.outs = append(p.outs, callerValue{int32(i), at})
			} else {
				p.ins = append(p.ins, callerValue{int32(i), at})
			}
			continue
		}
		n := p.vals[o].shape.Elems() * p.batch
		if p.holdsBytes(o) {
			n += int8.Slack
			t.bytes = bytesOf(p.arena[off[o]:off[o]+(n+3)/4], n)[at:]
			continue
		}
		t.data = p.arena[off[o]+at : off[o]+n]
	}
}

// packedLen is the slab space of a unit's weights, in floats.
func (p *Plan) packedLen(u *Unit) int {
	if p.target.DType != Int8 {
		return u.packedLen()
	}
	n := 0
	for _, g := range u.geometries() {
		if g.C > 0 {
			n += roundUp((int8.LayerLen(&g)+3)/4, align)
		}
	}
	return n
}
