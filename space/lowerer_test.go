package space

import (
	"reflect"
	"testing"

	"nas/blocks"
)

// TestLowerer compares pieces put together with networks lowered whole, over
// random spaces of every kind of block.
func TestLowerer(t *testing.T) {
	r := newRand(3)
	var l Lowerer
	check := func(a Arch) {
		t.Helper()
		pieces, ok := l.Lower(nil, &a)
		want, err := a.Network()
		if ok != (err == nil) {
			t.Fatalf("%v: lowered in pieces: %v; Network says: %v", a, ok, err)
		}
		if !ok {
			return
		}
		if got := Join(want.Name, pieces); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: joined pieces differ from the whole", a)
		}
		if got, want := JoinCounts(pieces), want.Counts(); got != want {
			t.Fatalf("%v: counts %+v by pieces, %+v of the whole", a, got, want)
		}
	}
	mobile := mobileSpace(t)
	for range 100 {
		check(mobile.Arch(mobile.Sample(r)))
		s, err := New(randomSpec(r))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			check(s.Arch(s.Sample(r)))
		}
	}
	a := mobile.Arch(mobile.Sample(r))
	for _, spoil := range []func(a *Arch){
		func(a *Arch) { a.Input.H = 0 },
		func(a *Arch) { a.Head.Classes = 0 },
		func(a *Arch) { a.Stages[1] = append([]Block{{}}, a.Stages[1]...) },
		func(a *Arch) { a.Stages = append(a.Stages, make([][]Block, maxStages)...) },
		func(a *Arch) { a.Head.Low = 1 },
	} {
		b := a
		b.Stages = append([][]Block(nil), a.Stages...)
		spoil(&b)
		check(b)
	}
}

// TestLowererForgets fills the memory of a Lowerer beyond its limit.
func TestLowererForgets(t *testing.T) {
	var l Lowerer
	for h := 1; len(l.pieces) < pieceLimit; h++ {
		a := Arch{Input: blocks.Shape{H: h%2000 + 1, W: h/2000 + 1, C: 1}, Head: Head{Classes: 1}}
		if _, ok := l.Lower(nil, &a); !ok {
			t.Fatalf("%v was refused", a)
		}
	}
	a := Arch{Input: blocks.Shape{H: 3000, W: 1, C: 1}, Head: Head{Classes: 1}}
	if _, ok := l.Lower(nil, &a); !ok || len(l.pieces) != 1 {
		t.Errorf("%d pieces kept", len(l.pieces))
	}
}

func BenchmarkLowerer(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	archs := make([]Arch, 64)
	for i := range archs {
		archs[i] = s.Arch(s.Sample(r))
	}
	var l Lowerer
	var pieces []*Piece
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		pieces, _ = l.Lower(pieces[:0], &archs[i%len(archs)])
		Join("", pieces)
	}
}
