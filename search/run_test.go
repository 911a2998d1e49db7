package search_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nas/search"
	"nas/search/searchtest"
	"nas/space"
)

// memory is a sink that can fail.
type memory struct {
	trials []search.Trial
	limit  int // trials that fit; 0 means any number
}

var errFull = errors.New("the disk is full")

func (m *memory) Append(batch []search.Trial) error {
	if m.limit > 0 && len(m.trials)+len(batch) > m.limit {
		return errFull
	}
	m.trials = append(m.trials, batch...)
	return nil
}

func newSearcher(t testing.TB, algorithm string, p *searchtest.Toy, seed uint64) search.Searcher {
	t.Helper()
	s, err := search.New(algorithm,
		search.Settings{Setup: search.Setup{Space: p, Objectives: p.Objectives(), Seed: seed}, Population: 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A run cancelled again and again at random instants and resumed each time has
// the trials of one that was left alone.
func TestCancelAndResume(t *testing.T) {
	p := &searchtest.Toy{Genes: 8, Choices: 4, MaxCost: 120, FailEvery: 11}
	const n = 600
	for _, algorithm := range []string{"nsga2", "evolution", "local"} {
		whole := &memory{}
		_, err := search.Run(context.Background(), newSearcher(t, algorithm, p, 1), p, whole, p.Objectives(),
			search.Options{Stop: search.Stop{Trials: n}})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 1))
		cancels := 0
		for workers := 1; workers <= 4; workers++ {
			m := &memory{}
			for {
				ctx, cancel := context.WithCancel(context.Background())
				var left atomic.Int64
				left.Store(int64(r.IntN(200)))
				e := search.EvaluatorFunc(func(ctx context.Context, c search.Candidate) (search.Result, error) {
					if left.Add(-1) == 0 {
						cancel()
					}
					if ctx.Err() != nil && c.ID%2 == 0 { // an evaluator that notices
						return search.Result{}, ctx.Err()
					}
					return p.Evaluate(ctx, c)
				})
				sum, err := search.Run(ctx, newSearcher(t, algorithm, p, 1), e, m, p.Objectives(),
					search.Options{Workers: workers, Stop: search.Stop{Trials: n}, Replay: searchtest.Yield(slices.Clone(m.trials))})
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(m.trials, whole.trials[:len(m.trials)]) {
					t.Fatalf("%s: with %d workers, stopped after %d trials, they differ", algorithm, workers, len(m.trials))
				}
				if sum.Status == search.StatusTrials {
					break
				}
				if sum.Status != search.StatusInterrupted {
					t.Fatal(sum.Status)
				}
				cancels++
			}
			if len(m.trials) != n {
				t.Fatalf("%d trials, want %d", len(m.trials), n)
			}
		}
		if cancels < 8 {
			t.Errorf("%s: only %d cancellations", algorithm, cancels)
		}
	}
}

// All that can go wrong in an evaluation ends up in its trial.
func TestFailedTrials(t *testing.T) {
	p := &searchtest.Toy{Genes: 5, Choices: 3}
	e := search.EvaluatorFunc(func(ctx context.Context, c search.Candidate) (search.Result, error) {
		ok, _ := p.Evaluate(ctx, c)
		switch c.ID {
		case 1:
			return ok, errors.New("out of memory on the device")
		case 2:
			panic("kaboom")
		case 3:
			var m map[string]int
			//lint:ignore SA5000 a run has to survive it
			m["x"]++
		case 4:
			<-ctx.Done()
			return ok, fmt.Errorf("measuring: %w", ctx.Err())
		case 5:
			return search.Result{}, nil
		case 6:
			ok.Objectives["gain"] = math.NaN()
		case 7:
			ok.Objectives["cost"] = math.Inf(1)
		case 8:
			ok.Violation = math.NaN()
		case 9:
			return search.Result{Violation: 0.5}, nil // infeasible ones need no objectives
		case 10:
			return ok, errors.New("")
		}
		return ok, nil
	})
	want := map[int]string{
		1: "out of memory on the device",
		2: "panic: kaboom (run_test.go:",
		3: "panic: assignment to entry in nil map (run_test.go:",
		4: "timed out after 50ms", 5: "objective cost has no value", 6: "objective gain is NaN", 7: "objective cost is +Inf", 8: "the constraint violation is NaN",
		10: "the evaluator returned an error without text"}
	m := &memory{}
	sum, err := search.Run(context.Background(), newSearcher(t, "random", p, 1), e, m, p.Objectives(),
		search.Options{Workers: 2, Timeout: 50 * time.Millisecond, Stop: search.Stop{Trials: 30}})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range m.trials {
		if !strings.HasPrefix(x.Failed, want[i]) || (want[i] == "") != (x.Failed == "") {
			t.Errorf("trial %d failed with %q, want %q", i, x.Failed, want[i])
		}
	}
	if sum.Failed != len(want) || sum.Trials != 30 || sum.Feasible != 30-len(want)-1 {
		t.Errorf("%+v", sum.Progress)
	}
}

func TestSinkFailure(t *testing.T) {
	p := &searchtest.Toy{Genes: 7, Choices: 4}
	for workers := 1; workers <= 3; workers++ {
		m := &memory{limit: 100}
		sum, err := search.Run(context.Background(), newSearcher(t, "nsga2", p, 1), p, m, p.Objectives(),
			search.Options{Workers: workers, Stop: search.Stop{Trials: 2000}})
		if !errors.Is(err, errFull) || sum.Status != search.StatusFailed {
			t.Errorf("error %v, status %v", err, sum.Status)
		}
		for i, x := range m.trials {
			if x.ID != i {
				t.Fatalf("trial %d stored in place %d", x.ID, i)
			}
		}
	}
}

func TestStops(t *testing.T) {
	p := &searchtest.Toy{Genes: 8, Choices: 4, MaxCost: 100}
	run := func(o search.Options) *search.Summary {
		t.Helper()
		o.Reference = p.Reference()
		sum, err := search.Run(context.Background(), newSearcher(t, "nsga2", p, 1), p, nil, p.Objectives(), o)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	if s := run(search.Options{Stop: search.Stop{Trials: 123}}); s.Status != search.StatusTrials || s.Trials != 123 {
		t.Errorf("trials: %v after %d", s.Status, s.Trials)
	}
	s := run(search.Options{Stop: search.Stop{Evaluations: 123}, Workers: 3})
	if s.Status != search.StatusEvaluations || s.Evaluations != 123 || s.Trials <= 123 {
		t.Errorf("evaluations: %v after %d of %d", s.Status, s.Evaluations, s.Trials)
	}
	s = run(search.Options{Stop: search.Stop{Time: time.Millisecond}})
	if s.Status != search.StatusTime && s.Status != search.StatusExhausted {
		t.Errorf("time: %v", s.Status)
	}
	var stalled []int
	for workers := 1; workers <= 3; workers++ {
		stop := search.Stop{Plateau: 200, PlateauGain: 0.01}
		s := run(search.Options{Workers: workers, Stop: stop})
		if why, want := stop.Why(s.Status), "less than 1 % over the last 200"; !strings.Contains(why, want) {
			t.Errorf("it ended because %q, want %q", why, want)
		}
		if s.Status != search.StatusPlateau || s.Evaluations < 200 {
			t.Errorf("plateau: %v after %d", s.Status, s.Evaluations)
		}
		if !(0 <= s.Growth && s.Growth < 0.01) {
			t.Errorf("the hypervolume grew by %v, want less than 0.01", s.Growth)
		}
		stalled = append(stalled, s.Trials)
	}
	if stalled[0] != stalled[1] || stalled[0] != stalled[2] {
		t.Errorf("the plateau depends on the workers: %v", stalled)
	}
	_, err := search.Run(context.Background(), newSearcher(t, "nsga2", p, 1), p, nil, p.Objectives(),
		search.Options{Stop: search.Stop{Plateau: 10}})
	if err == nil {
		t.Error("a plateau without reference point gives no error")
	}
	// A run that had ended is resumed with a larger budget as if it had had it.
	short, long := &memory{}, &memory{}
	for _, c := range []struct {
		m *memory
		n int
	}{{short, 90}, {long, 200}, {short, 200}} {
		if _, err := search.Run(context.Background(), newSearcher(t, "nsga2", p, 1), p, c.m, p.Objectives(),
			search.Options{Stop: search.Stop{Trials: c.n}, Replay: searchtest.Yield(slices.Clone(c.m.trials))}); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(short.trials, long.trials) {
		t.Error("a larger budget on resume gives other trials")
	}
}

func TestProgress(t *testing.T) {
	p := &searchtest.Toy{Genes: 8, Choices: 4}
	var seen []search.Progress
	var front int
	_, err := search.Run(context.Background(), newSearcher(t, "nsga2", p, 1), p, nil, p.Objectives(), search.Options{
		Stop: search.Stop{Trials: 400}, Reference: p.Reference(), Every: time.Nanosecond,
		Progress: func(g search.Progress) { seen = append(seen, g) },
		Observe:  func(_ search.Trial, f *search.Front) { front = f.Len() },
	})
	if err != nil {
		t.Fatal(err)
	}
	last := seen[len(seen)-1]
	if last.Trials != 400 || last.Front != front || last.Hypervolume <= 0 || last.Best[0] > 50 || last.Best[1] <= 0 {
		t.Errorf("%+v", last)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].Hypervolume < seen[i-1].Hypervolume || seen[i].Trials < seen[i-1].Trials {
			t.Fatalf("progress goes back from %+v to %+v", seen[i-1], seen[i])
		}
	}
}

func TestConstraintStats(t *testing.T) {
	trial := func(id int, latency, params float64) search.Trial {
		x := search.Trial{ID: id}
		x.AtMost("max_latency", latency, 20)
		x.AtMost("max_params", params, 100)
		return x
	}
	var s search.ConstraintStats
	if s.String() != "" {
		t.Error("a binding constraint before any trial")
	}
	s.Add(trial(0, 40, 150))
	s.Add(trial(1, 22, 104))
	s.Add(trial(2, 30, 90))
	s.Add(search.Trial{ID: 3, Result: search.Result{Failed: "x"}})
	if name, excess := s.Binding(); name != "max_latency" || math.Abs(excess-0.1) > 1e-12 {
		t.Errorf("the binding constraint is %s, %v", name, excess)
	}
	want := "none of 3 candidates satisfies every constraint; the binding constraint is max_latency, which every one " +
		"of them breaks: the nearest candidate, trial 1, breaks it by 10 % and max_params by 4 %"
	if got := s.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.Add(trial(4, 10, 300)) // now no constraint is broken by all
	if name, _ := s.Binding(); name != "max_latency" {
		t.Errorf("the binding constraint is %s", name)
	}
	s.Add(trial(5, 20, 100))
	if name, _ := s.Binding(); name != "" || s.String() != "" {
		t.Errorf("the binding constraint is %s though a trial is feasible", name)
	}
	// The words suit a limit from below as well.
	var x search.Trial
	x.AtLeast("min_top1_pct", 60, 80)
	s = search.ConstraintStats{}
	s.Add(x)
	want = "none of 1 candidates satisfies every constraint; the binding constraint is min_top1_pct, which every one " +
		"of them breaks: the nearest candidate, trial 0, breaks it by 25 %"
	if got := s.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestViolations(t *testing.T) {
	var r search.Result
	if !r.AtMost("a", 5, 5) || !r.AtLeast("b", 5, 5) || r.Violation != 0 || r.Violations != nil {
		t.Errorf("%+v at the limits", r)
	}
	if r.AtMost("a", 6, 5) || r.AtLeast("b", -3, -2) || r.AtMost("c", 0.25, 0) {
		t.Error("broken constraints hold")
	}
	if math.Abs(r.Violation-(0.2+0.5+0.25)) > 1e-12 || len(r.Violations) != 3 {
		t.Errorf("%+v", r)
	}
}

// BenchmarkRun is the whole cost of a candidate besides its evaluation, at
// population 1000. The space of networks includes the cost of making genes and
// arch ids; the toy's own cost is small.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		name  string
		space search.Space
	}{{"toy", &searchtest.Toy{Genes: 16, Choices: 4}}, {"networks", phoneSpace(b)}} {
		b.Run(c.name, func(b *testing.B) {
			objectives := []search.Objective{{Name: "f1"}, {Name: "f2"}}
			s, err := search.NewNSGA2(search.Setup{Space: c.space, Objectives: objectives, Seed: 1},
				search.NSGA2Settings{Population: 1000})
			if err != nil {
				b.Fatal(err)
			}
			e := search.EvaluatorFunc(func(_ context.Context, c search.Candidate) (search.Result, error) {
				x, y := 0, 0
				for i, g := range c.Genes {
					x += int(g) * (i + 1)
					y += (3 - int(g)) * (i + 2)
				}
				return search.Result{Objectives: map[string]float64{"f1": float64(x), "f2": float64(y)}}, nil
			})
			b.ReportAllocs()
			b.ResetTimer()
			_, err = search.Run(context.Background(), s, e, nil, objectives,
				search.Options{Stop: search.Stop{Trials: b.N}, Reference: []float64{1e6, 1e6}})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}

// phoneSpace is a space of the size that people search for phones.
func phoneSpace(tb testing.TB) *space.Space {
	spec := space.Spec{Input: []int{224, 224, 3}, Classes: 1000, Resolution: space.Ints{160, 192, 224},
		Width: space.Floats{0.25, 0.5, 0.75, 1, 1.25}}
	for i, channels := range []space.Ints{{16}, {24, 32}, {32, 40}, {64, 80}, {96, 112}, {160, 192}, {320}} {
		stage := space.StageSpec{
			Channels: channels, Stride: space.Ints{[]int{1, 2, 2, 2, 1, 2, 1}[i]}, Depth: space.Ints{1, 2, 3, 4},
			Kernel: space.Kernels{3, 5, 7}, Expansion: space.Floats{3, 4, 6},
			Activation: space.Strings{"relu6", "hswish"}, SE: space.Floats{0, 0.25},
		}
		if i > 3 {
			stage.Dilation = space.Ints{1, 2}
		}
		spec.Stage = append(spec.Stage, stage)
	}
	s, err := space.New(spec)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Networks of a real space go through a run: distinct, with their text, and the
// same for any number of workers.
func TestNetworks(t *testing.T) {
	sp := phoneSpace(t)
	objectives := []search.Objective{{Name: "blocks"}, {Name: "channels", Direction: search.Maximize}}
	e := search.EvaluatorFunc(func(_ context.Context, c search.Candidate) (search.Result, error) {
		blocks, channels := 0, 0
		for _, st := range c.Arch.Stages {
			blocks += len(st)
			for _, b := range st {
				channels += b.Expanded
			}
		}
		return search.Result{Objectives: map[string]float64{"blocks": float64(blocks), "channels": float64(channels)}}, nil
	})
	var first []search.Trial
	for _, algorithm := range []string{"nsga2", "surrogate_nsga2"} {
		first = nil
		for workers := 1; workers <= 3; workers += 2 {
			setup := search.Setup{Space: sp, Objectives: objectives, Seed: 1}
			s, err := search.New(algorithm, search.Settings{Setup: setup, Evaluations: 120, LookAhead: 24})
			if err != nil {
				t.Fatal(err)
			}
			m := &memory{}
			_, err = search.Run(context.Background(), s, e, m, objectives,
				search.Options{Workers: workers, Stop: search.Stop{Trials: 120}})
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{}
			for _, x := range m.trials {
				a, err := space.Parse(x.Arch)
				if err != nil || a.ID() != x.ArchID || ids[x.ArchID] {
					t.Fatalf("trial %d: arch %q, id %s: %v", x.ID, x.Arch, x.ArchID, err)
				}
				ids[x.ArchID] = true
			}
			if first != nil && !reflect.DeepEqual(first, m.trials) {
				t.Errorf("%s: the number of workers changes the trials", algorithm)
			}
			first = m.trials
		}
	}
}

// An evaluator that aborts ends the run with its reason; what it judged then is not recorded.
func TestAbort(t *testing.T) {
	p := &searchtest.Toy{Genes: 8, Choices: 4}
	reason := errors.New("the trainer is broken")
	e := search.EvaluatorFunc(func(ctx context.Context, c search.Candidate) (search.Result, error) {
		if c.ID >= 5 {
			return search.Result{}, fmt.Errorf("judging: %w", search.Abort(reason))
		}
		return p.Evaluate(ctx, c)
	})
	store := &memory{}
	sum, err := search.Run(t.Context(), newSearcher(t, "nsga2", p, 1), e, store, p.Objectives(),
		search.Options{Workers: 3, Stop: search.Stop{Trials: 100}})
	if err != reason || sum.Status != search.StatusFailed || len(store.trials) > 5 {
		t.Errorf("%v, %v, %d trials", err, sum.Status, len(store.trials))
	}
}
