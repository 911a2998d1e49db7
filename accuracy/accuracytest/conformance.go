// Package accuracytest tests estimators: one call of [Conformance] holds any
// implementation of [accuracy.Estimator] to what a search relies on.
package accuracytest

import (
	"context"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"nas/accuracy"
	"nas/blocks"
)

// Maker makes an estimator whose randomness, if it has any, comes from the seed.
type Maker func(seed uint64) (accuracy.Estimator, error)

// Conformance tests an estimator of classifiers:
//
//   - a score is finite, its interval holds its value, and what else it says has the
//     form that [accuracy.Score] wants;
//   - one seed gives one score, alone or in a batch, in any order, asked for by many
//     goroutines at once; seeds that give two values give two names;
//   - the network is not changed, and a network that cannot be scored is an error;
//   - the end of the context is the end of the estimate;
//   - Info is plausible, and its Blind traits, Penalised traits and Caps are true;
//   - an [accuracy.ChainEstimator] scores a chain of blocks as the whole network.
func Conformance(t *testing.T, make Maker) {
	t.Run("scores", func(t *testing.T) { scores(t, make) })
	t.Run("deterministic", func(t *testing.T) { deterministic(t, make) })
	t.Run("batch", func(t *testing.T) { batch(t, make) })
	t.Run("network", func(t *testing.T) { network(t, make) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, make) })
	t.Run("info", func(t *testing.T) { info(t, make) })
	t.Run("blind", func(t *testing.T) { blind(t, make) })
	t.Run("caps", func(t *testing.T) { caps(t, make) })
	t.Run("chain", func(t *testing.T) { chain(t, make) })
}

// traits are all that estimators are asked about.
var traits = []accuracy.Trait{
	accuracy.SE, accuracy.Activation, accuracy.Dilation, accuracy.KernelSize,
	accuracy.Expansion, accuracy.Resolution, accuracy.Width, accuracy.Depth,
}

// Probes returns small classifiers of 1000 classes that differ from the first in one
// trait each.
func Probes() ([]*blocks.Network, error) {
	probes := []probe{plain()}
	for _, trait := range traits {
		probes = append(probes, plain().with(trait))
	}
	nets := make([]*blocks.Network, len(probes))
	for i, p := range probes {
		var err error
		if nets[i], err = p.network(); err != nil {
			return nil, err
		}
	}
	return nets, nil
}

func made(t *testing.T, make Maker, seed uint64) accuracy.Estimator {
	t.Helper()
	e, err := make(seed)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func networks(t *testing.T) []*blocks.Network {
	t.Helper()
	nets, err := Probes()
	if err != nil {
		t.Fatal(err)
	}
	return nets
}

func estimate(t *testing.T, e accuracy.Estimator, n *blocks.Network) accuracy.Score {
	t.Helper()
	s, err := e.Estimate(t.Context(), n)
	if err != nil {
		t.Fatalf("%s: %v", n.Name, err)
	}
	return s
}

// same compares scores to the bit, NaN being equal to NaN.
func same(a, b accuracy.Score) bool {
	bits := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	return bits(a.Value, b.Value) && bits(a.Low, b.Low) && bits(a.High, b.High) && bits(a.Between, b.Between) &&
		maps.EqualFunc(a.Parts, b.Parts, bits) && slices.Equal(a.Warnings, b.Warnings)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func scores(t *testing.T, make Maker) {
	e := made(t, make, 1)
	unit := e.Info().Unit
	for _, n := range networks(t) {
		s := estimate(t, e, n)
		if !finite(s.Value) || !finite(s.Between) || s.Between < 0 {
			t.Errorf("%s: value %v, error of differences %v", n.Name, s.Value, s.Between)
		}
		if none := math.IsNaN(s.Low) && math.IsNaN(s.High); !none && !(s.Low <= s.Value && s.Value <= s.High) {
			t.Errorf("%s: %v lies outside its interval of %v to %v", n.Name, s.Value, s.Low, s.High)
		}
		if unit == "pct" && (s.Value > 100 || s.Low < 0 || s.High > 100) {
			t.Errorf("%s: %v (%v to %v) per cent", n.Name, s.Value, s.Low, s.High)
		}
		for name, v := range s.Parts {
			if name == "" || !finite(v) {
				t.Errorf("%s: part %q is %v", n.Name, name, v)
			}
		}
		for _, w := range s.Warnings {
			if w == "" || strings.HasSuffix(w, ".") {
				t.Errorf("%s: warning %q is no sentence without a final stop", n.Name, w)
			}
		}
	}
}

func deterministic(t *testing.T, make Maker) {
	nets := networks(t)
	of := func(seed uint64) (name string, all []accuracy.Score) {
		e := made(t, make, seed)
		for _, n := range nets {
			all = append(all, estimate(t, e, n))
		}
		return e.String(), all
	}
	name, want := of(1)
	again, got := of(1)
	if name == "" || name != again {
		t.Errorf("one seed gives the names %q and %q", name, again)
	}
	other, moved := of(2)
	for i, n := range nets {
		if !same(got[i], want[i]) {
			t.Errorf("%s: one seed gives %v and %v", n.Name, want[i], got[i])
		}
		if moved[i].Value != want[i].Value && other == name {
			t.Errorf("%s: seeds give %v and %v under one name, %s", n.Name, want[i].Value, moved[i].Value, name)
		}
	}
}

// batch asks one estimator in several orders and by several goroutines.
func batch(t *testing.T, make Maker) {
	nets := networks(t)[:4]
	var want []accuracy.Score
	for _, n := range nets {
		want = append(want, estimate(t, made(t, make, 1), n)) // each alone
	}
	shared := made(t, make, 1)
	for workers := 1; workers <= 4; workers++ {
		got, err := accuracy.ScoreAll(t.Context(), shared, nets, workers)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range nets {
			if !same(got[i], want[i]) {
				t.Errorf("%s, %d workers: %v, alone %v", n.Name, workers, got[i], want[i])
			}
		}
		slices.Reverse(nets)
		slices.Reverse(want)
	}
	var wg sync.WaitGroup // one network by all at once
	for range 4 {
		wg.Go(func() {
			if s, err := shared.Estimate(t.Context(), nets[0]); err != nil || !same(s, want[0]) {
				t.Errorf("%s, by several goroutines: %v, %v, alone %v", nets[0].Name, s, err, want[0])
			}
		})
	}
	wg.Wait()
}

// network wants the network unchanged, and an error or a score of one that ends in a map.
func network(t *testing.T, make Maker) {
	e := made(t, make, 1)
	n, untouched := networks(t)[0], networks(t)[0]
	estimate(t, e, n)
	if !reflect.DeepEqual(n, untouched) {
		t.Error("the network was changed")
	}
	n.Nodes = n.Nodes[:len(n.Nodes)-2]
	if s, err := e.Estimate(t.Context(), n); err == nil && !finite(s.Value) {
		t.Errorf("a network that ends in a map scores %v without an error", s.Value)
	}
}

func cancelled(t *testing.T, make Maker) {
	e := made(t, make, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Estimate(ctx, networks(t)[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context Estimate returns %v", err)
	}
	if _, err := accuracy.ScoreAll(ctx, e, networks(t), 2); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context ScoreAll returns %v", err)
	}
}

func info(t *testing.T, make Maker) {
	e := made(t, make, 1)
	in := e.Info()
	if in.Name == "" || in.Label == "" {
		t.Errorf("name %q, label %q", in.Name, in.Label)
	}
	if in.Unit != "" && in.Unit != "pct" {
		t.Errorf("unit %q, want pct or none", in.Unit)
	}
	for _, trait := range in.Blind {
		if !slices.Contains(traits, trait) {
			t.Errorf("blind to %q, which is no trait", trait)
		}
	}
	for _, trait := range in.Penalised {
		if !slices.Contains(in.Blind, trait) {
			t.Errorf("penalises %q, which it is not blind to", trait)
		}
	}
	for trait, v := range in.Caps {
		if !slices.Contains(traits, trait) || !(v > 0) {
			t.Errorf("caps %q at %v", trait, v)
		}
	}
	estimate(t, e, networks(t)[0])
	if again := e.Info(); !reflect.DeepEqual(again, in) {
		t.Errorf("Info changes from %+v to %+v", in, again)
	}
}

// smallShare is how much a trait may change a random score that is blind to it, beside
// the largest change by another trait.
const smallShare = 0.2

// blind changes the traits that the score does not see. A score that does not depend
// on the seed must not change, or not rise where it penalises the trait.
func blind(t *testing.T, make Maker) {
	const seeds = 4
	nets := networks(t)
	change := map[accuracy.Trait]float64{} // mean over seeds
	random, first := false, 0.0
	for seed := range uint64(seeds) {
		e := made(t, make, seed)
		base := estimate(t, e, nets[0]).Value
		if seed == 0 {
			first = base
		}
		random = random || base != first
		for i, trait := range traits {
			change[trait] += (estimate(t, e, nets[i+1]).Value - base) / seeds
		}
	}
	in := made(t, make, 0).Info()
	largest := 0.0
	for trait, d := range change {
		if !slices.Contains(in.Blind, trait) {
			largest = max(largest, math.Abs(d))
		}
	}
	for _, trait := range in.Blind {
		d := change[trait]
		switch {
		case random && math.Abs(d) > smallShare*largest:
			t.Errorf("blind to %s, which changes the score by %v, another trait by %v at most", trait, d, largest)
		case !random && slices.Contains(in.Penalised, trait) && !(d < 0 && -d < smallShare*largest):
			t.Errorf("the penalty for %s changes the score by %v, another trait by %v at most", trait, d, largest)
		case !random && !slices.Contains(in.Penalised, trait) && d != 0:
			t.Errorf("blind to %s, which changes the score by %v", trait, d)
		}
	}
}

// caps wants that more than the cap of a trait does not pay.
func caps(t *testing.T, make Maker) {
	e := made(t, make, 1)
	for trait, v := range e.Info().Caps {
		at := plain()
		switch trait {
		case accuracy.KernelSize:
			at.kernel = int(v)
		case accuracy.Expansion:
			at.expansion = int(v)
		default:
			continue
		}
		var values []float64
		for _, p := range []probe{at, at.with(trait)} {
			n, err := p.network()
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, estimate(t, e, n).Value)
		}
		if values[1] > values[0] {
			t.Errorf("%s %v, the cap, scores %v, more scores %v", trait, v, values[0], values[1])
		}
	}
}

func chain(t *testing.T, make Maker) {
	e, ok := made(t, make, 1).(accuracy.ChainEstimator)
	if !ok {
		t.Skip("no ChainEstimator")
	}
	for _, n := range networks(t) {
		var chain []*accuracy.BlockFeatures
		for _, b := range cut(n) {
			chain = append(chain, accuracy.NewBlockFeatures(b))
		}
		got, err := e.EstimateChain(t.Context(), n.Name, chain...)
		if want := estimate(t, e, n); err != nil || !same(got, want) {
			t.Errorf("%s: by blocks %v (%v), whole %v", n.Name, got, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.EstimateChain(ctx, "", accuracy.NewBlockFeatures(networks(t)[0])); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context EstimateChain returns %v", err)
	}
}
