package latency

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
	base := engine.Unit{Name: "conv", In: blocks.Shape{H: 7, W: 7, C: 65535}, Out: blocks.Shape{H: 7, W: 7, C: 3}, Batch: 1}
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
		if c := table.put(&us[i], cost{ms: float64(i + 1)}); c.ms != want[us[i]] {
			t.Fatalf("%v: put %d, the table says %g, the map %g", us[i], i+1, c.ms, want[us[i]])
		}
	}
	for u, ms := range want {
		if c := table.get(&u); c == nil || c.ms != ms {
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
	got := make([][]*cost, 4)
	var wg sync.WaitGroup
	for g := range got {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 2000 {
				u := engine.Unit{Name: "conv", In: blocks.Shape{C: i}}
				c := table.get(&u)
				if c == nil {
					c = table.put(&u, cost{ms: float64(i)})
				}
				got[g] = append(got[g], c)
			}
		}()
	}
	wg.Wait()
	for g := range got {
		for i, c := range got[g] {
			if c != got[0][i] || c.ms != float64(i) {
				t.Fatalf("goroutine %d, unit %d: %v, another %v", g, i, c, got[0][i])
			}
		}
	}
}

// TestLatencyPlainly compares Latency, to the bit, with what a map of units and one
// point of the process after the other say: units of the table and of the models, and
// networks that the profile has not seen.
func TestLatencyPlainly(t *testing.T) {
	p := fakeProfile(t)
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	r.network = mixedNetwork(t, r, p.Device)
	table := map[engine.Unit]cost{}
	for _, row := range p.Units {
		sd := row.Ms * row.Spread
		table[row.Unit] = cost{ms: row.Ms, var2: sd * sd, weights: row.Unit.BytesWeights(), group: groupOf[kindOf(&row.Unit)]}
	}
	measured, guessed := 0, 0
	for i, n := range sampleNetworks(t, mobileSpec(), 77, 300) {
		calls, err := p.Device.Calls(n)
		if err != nil {
			t.Fatal(err)
		}
		var s sums
		for k := range calls {
			u := &calls[k].Unit
			c, ok := table[*u]
			if ok {
				measured++
			} else {
				c = r.units.estimate(u)
				guessed++
			}
			s.add(&c)
		}
		m := *r.network
		m.gp = nil
		f := s.features()
		far := m.clamp(&f)
		mix := s.mix(nil)
		mix[numGroups] = f[1]
		c := 0.0
		for j, w := range m.Weights {
			c += w * (f[j] - m.Mean[j])
		}
		c = min(max(c+r.network.gp.Mean(mix), -1.5), 1.5)
		half := min(m.Quantile*(m.Floor+s.spread())+m.Between+perOctave*far, 2.3)
		want := [3]float64{s.ms * math.Exp(c), s.ms * math.Exp(c) * math.Exp(-half), s.ms * math.Exp(c) * math.Exp(half)}
		for range 2 { // the second time all units are known
			ms, low, high := r.Latency(calls)
			if got := [3]float64{ms, low, high}; got != want {
				t.Fatalf("network %d: %v, want %v", i, got, want)
			}
		}
	}
	if measured < 1000 || guessed < 1000 {
		t.Errorf("%d units of the table, %d of the models", measured, guessed)
	}
}
