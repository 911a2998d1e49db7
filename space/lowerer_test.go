package space

import (
	"reflect"
	"testing"

	"nas/blocks"
)

// TestLowerer compares joined blocks with networks lowered as a whole, over
// random spaces of every kind of block.
func TestLowerer(t *testing.T) {
	r := newRand(3)
	var l Lowerer
	check := func(a Arch) {
		t.Helper()
		chain, ok := l.Lower(nil, &a)
		want, err := a.Network()
		if ok != (err == nil) {
			t.Fatalf("%v: lowered as a chain: %v; Network says: %v", a, ok, err)
		}
		if !ok {
			return
		}
		joined := Join(chain)
		if c := joined.Counts(); c != want.Counts() || c != JoinCounts(chain) {
			t.Fatalf("%v: counts %+v by blocks, %+v joined, %+v of the whole", a, JoinCounts(chain), c, want.Counts())
		}
		want.Name = ""
		for _, n := range []*blocks.Network{joined, want} {
			for i := range n.Nodes {
				n.Nodes[i].Name, n.Nodes[i].Stage, n.Nodes[i].Block = "", min(n.Nodes[i].Stage, 1), 0
			}
		}
		if !reflect.DeepEqual(joined, want) {
			t.Fatalf("%v: the joined chain differs from the whole", a)
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
	for h := 1; len(l.recent) < generationLimit; h++ {
		a := Arch{Input: blocks.Shape{H: h%2000 + 1, W: h/2000 + 1, C: 1}, Head: Head{Classes: 1}}
		if _, ok := l.Lower(nil, &a); !ok {
			t.Fatalf("%v was refused", a)
		}
	}
	a := Arch{Input: blocks.Shape{H: 3000, W: 1, C: 1}, Head: Head{Classes: 1}}
	if _, ok := l.Lower(nil, &a); !ok || len(l.recent) != 1 {
		t.Errorf("%d blocks kept", len(l.recent))
	}
}

// The caller may recover from an Analyze that panics: the Lowerer stays usable for
// readers and writers.
func TestLowererOutlivesAPanic(t *testing.T) {
	sick := true
	l := Lowerer{Analyze: func(n *blocks.Network) any {
		if sick {
			panic("sick")
		}
		return n.Output()
	}}
	a := Arch{Input: blocks.Shape{H: 4, W: 4, C: 1}, Head: Head{Classes: 1}}
	lower := func() (ok bool, p any) {
		defer func() { p = recover() }()
		_, ok = l.Lower(nil, &a)
		return ok, nil
	}
	if _, p := lower(); p != "sick" {
		t.Fatalf("the panic is %v, want Analyze's", p)
	}
	if !l.mu.TryLock() {
		t.Fatal("the panic left the Lowerer locked")
	}
	l.mu.Unlock()
	sick = false
	if ok, p := lower(); !ok || p != nil || len(l.recent) != 1 {
		t.Errorf("afterwards: lowered %v, panic %v, %d blocks kept", ok, p, len(l.recent))
	}
}

// TestLoweredKey changes every number of a content, one at a time: the keys must
// differ.
func TestLoweredKey(t *testing.T) {
	seen := map[loweredKey]string{}
	var walk func(c *content, v reflect.Value, name string)
	walk = func(c *content, v reflect.Value, name string) {
		v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem() // unexported fields, too
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(c, v.Field(i), name+"."+v.Type().Field(i).Name)
			}
			return
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Uint8:
			v.SetUint(v.Uint() + 1)
		default:
			t.Fatalf("%s is a %v", name, v.Kind())
		}
		k, ok := c.key()
		if before, taken := seen[k]; taken || !ok {
			t.Errorf("%s: key %v (%v), which %s has", name, k, ok, before)
		}
		seen[k] = name
		v.Set(old)
	}
	block := content{in: blocks.Shape{H: 8, W: 8, C: 8}}
	head := content{in: blocks.Shape{H: 8, W: 8, C: 8}, head: headContent{input: blocks.Shape{H: 9, W: 9, C: 9}}}
	for _, c := range []*content{&block, &head} {
		k, _ := c.key()
		seen[k] = "unchanged"
	}
	walk(&block, reflect.ValueOf(&block.in).Elem(), "in")
	walk(&block, reflect.ValueOf(&block.stem).Elem(), "stem")
	walk(&block, reflect.ValueOf(&block.block).Elem(), "block")
	walk(&head, reflect.ValueOf(&head.in).Elem(), "head's in")
	walk(&head, reflect.ValueOf(&head.head).Elem(), "head")
	block.block.Channels = 1 << 21
	if _, ok := block.key(); ok {
		t.Error("a number that does not fit has a key")
	}
}

func BenchmarkLowerer(b *testing.B) {
	s, r := mobileSpace(b), newRand(1)
	archs := make([]Arch, 64)
	for i := range archs {
		archs[i] = s.Arch(s.Sample(r))
	}
	var l Lowerer
	var chain []*LoweredBlock
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		chain, _ = l.Lower(chain[:0], &archs[i%len(archs)])
	}
}
