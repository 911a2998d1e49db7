package costmodel

import (
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
)

// fields returns the numbers of a unit, to be changed one by one: a field that the
// table did not look at would make two units one.
func fields(u *engine.Unit) []reflect.Value {
	var out []reflect.Value
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Int:
			out = append(out, v)
		}
	}
	walk(reflect.ValueOf(u).Elem())
	return out
}

func TestUnitTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"", "conv", "cord", "dwconv", "scale", "eval.lrn", "eval.lxn"}
	// Sizes on both sides of what a key has room for, and such that run into the next field's.
	sizes := []int{0, 1, 2, 3, 255, 256, 257, 65535, 65536, 65537, 1 << 30, -1}
	base := engine.Unit{
		Name: "conv", In: blocks.Shape{H: 7, W: 7, C: 65535}, Out: blocks.Shape{H: 7, W: 7, C: 3}, Batch: 1,
	}
	var us []engine.Unit
	for range 15 {
		for k := range fields(&base) {
			for _, n := range sizes {
				u := base
				fields(&u)[k].SetInt(int64(n))
				us = append(us, u)
			}
		}
		res := base
		res.Residual = !res.Residual
		for _, n := range names {
			u := base
			u.Name = n
			us = append(us, u, res)
		}
		fs := fields(&base)
		fs[r.IntN(len(fs))].SetInt(int64(sizes[r.IntN(len(sizes))]))
		base.Name = names[r.IntN(len(names))]
	}
	table, want := newUnitTable(0), map[engine.Unit]float64{}
	for i := range us {
		if c := table.get(&us[i]); (c != nil) != (want[us[i]] != 0) {
			t.Fatalf("%v: in the table %v, in the map %g", us[i], c, want[us[i]])
		}
		if want[us[i]] == 0 {
			want[us[i]] = float64(i + 1)
		}
		if c := table.put(&us[i], Cost{Ms: float64(i + 1)}); c.Ms != want[us[i]] {
			t.Fatalf("%v: put %d, the table says %g, the map %g", us[i], i+1, c.Ms, want[us[i]])
		}
	}
	for u, ms := range want {
		if c := table.get(&u); c == nil || c.Ms != ms {
			t.Fatalf("%v: %v, want %g", u, c, ms)
		}
	}
	if len(want) < 2000 || table.n != len(want) || 4*table.n > len(*table.slots.Load()) {
		t.Errorf("%d entries in %d slots, %d units", table.n, len(*table.slots.Load()), len(want))
	}
}

// TestUnitTableConcurrently lets goroutines put the same units while the table grows.
func TestUnitTableConcurrently(t *testing.T) {
	table := newUnitTable(0)
	got := make([][]*Cost, 4)
	var wg sync.WaitGroup
	for g := range got {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 2000 {
				u := engine.Unit{Name: "conv", In: blocks.Shape{C: i}}
				c := table.get(&u)
				if c == nil {
					c = table.put(&u, Cost{Ms: float64(i)})
				}
				got[g] = append(got[g], c)
			}
		}()
	}
	wg.Wait()
	for g := range got {
		for i, c := range got[g] {
			if c != got[0][i] || c.Ms != float64(i) {
				t.Fatalf("goroutine %d, unit %d: %v, another %v", g, i, c, got[0][i])
			}
		}
	}
}

// TestPredictPlainly compares the cost of units and the time of networks, to the bit, with
// what a map of units and the formula say: units of the table and of the models, and a
// network model with a residual.
func TestPredictPlainly(t *testing.T) {
	target := testTarget()
	nets := zooCalls(t)
	table, times := map[engine.Unit]Cost{}, []UnitTime{}
	for i, calls := range nets {
		for _, c := range calls {
			if _, ok := table[c.Unit]; ok || i%3 == 2 {
				continue
			}
			row := UnitTime{Unit: c.Unit, Ms: 0.01 + float64(c.Unit.MACs())/1e7, Spread: 0.02, Networks: 1}
			sd := row.Ms * row.Spread
			table[c.Unit] = Cost{Ms: row.Ms, Var2: sd * sd, weights: c.Unit.BytesWeights(), group: groupOf[KindOf(&c.Unit)]}
			times = append(times, row)
		}
	}
	kinds, err := FitKinds(times, &target, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := NewUnitModel(times, kinds, target)
	measured, modelled := 0, 0
	var hs []Observation
	for range 2 { // the second time all units are in the table
		hs = hs[:0]
		for _, calls := range nets {
			var s, want Totals
			for k := range calls {
				u := &calls[k].Unit
				c, ok := table[*u]
				if ok {
					measured++
				} else {
					c = m.estimate(u)
					modelled++
				}
				want.Add(&c)
				s.Add(m.Cost(u))
			}
			if s != want {
				t.Fatalf("%+v, want %+v", s, want)
			}
			hs = append(hs, Observation{s, s.Ms * math.Exp(math.Sin(30*s.groups[groupDepthwise]/s.Ms))})
		}
	}
	if measured < 500 || modelled < 500 {
		t.Errorf("%d units of the table, %d of the models", measured, modelled)
	}
	network := FitNetwork(hs)
	if network.gp == nil {
		t.Fatal("no residual")
	}
	for i := range hs {
		s := &hs[i].Totals
		f := s.features()
		far := network.clamp(&f)
		x := s.residualFeatures(nil)
		x[numGroups] = f[1]
		c := 0.0
		for j, w := range network.Weights {
			c += w * (f[j] - network.Mean[j])
		}
		c = min(max(c+network.gp.Mean(x), -1.5), 1.5)
		half := min(network.Quantile*(network.Floor+s.RelativeSD())+network.Between+perOctave*far, 2.3)
		ms, low, high := network.Predict(s)
		if want := s.Ms * math.Exp(c); ms != want || low != want*math.Exp(-half) || high != want*math.Exp(half) {
			t.Fatalf("network %d: %g in %g to %g, want %g", i, ms, low, high, want)
		}
	}
}
