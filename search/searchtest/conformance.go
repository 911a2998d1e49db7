// Package searchtest tests searchers: one call of [Conformance] takes any of
// them through everything that a run relies on. It also has the problems to do
// so with, which are search spaces of their own: [Toy] and [Vector].
package searchtest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nas/search"
	"nas/space"
)

// Maker makes a fresh searcher.
type Maker func(search.Setup) (search.Searcher, error)

// childVariable holds, in a process started by the test of determinism, the file
// to write the digest of a run to.
const childVariable = "SEARCHTEST_DIGEST_FILE"

// Conformance tests a searcher. Those that are not meant to be better than
// Random, such as Random itself, set baseline. It must be called from a test
// function without anything before it that depends on the process.
func Conformance(t *testing.T, make Maker, baseline bool) {
	if file := os.Getenv(childVariable); file != "" {
		if err := os.WriteFile(file, []byte(digest(run(t, make, 7, newToy(), 300, 2, nil))), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Run("deterministic", func(t *testing.T) { deterministic(t, make) })
	t.Run("another process", func(t *testing.T) { anotherProcess(t, make) })
	t.Run("valid", func(t *testing.T) { valid(t, make) })
	t.Run("failures", func(t *testing.T) { failures(t, make) })
	t.Run("exhausted", func(t *testing.T) { exhausted(t, make) })
	t.Run("start", func(t *testing.T) { start(t, make) })
	t.Run("replay", func(t *testing.T) { replay(t, make) })
	t.Run("protocol", func(t *testing.T) { protocol(t, make) })
	t.Run("name", func(t *testing.T) { name(t, make) })
	if !baseline {
		t.Run("better than random", func(t *testing.T) { betterThanRandom(t, make) })
	}
}

// newToy has 12,493 networks, about half of them feasible, and one in nine fails.
func newToy() *Toy { return &Toy{Genes: 7, Choices: 4, MaxCost: 100, FailEvery: 9} }

func setup(p *Toy, seed uint64) search.Setup {
	return search.Setup{Space: p, Objectives: p.Objectives(), Seed: seed}
}

func run(t *testing.T, make Maker, seed uint64, p *Toy, trials, workers int, past []search.Trial) []search.Trial {
	t.Helper()
	got, status := runUntil(t, make, seed, p, trials, workers, past)
	if status != search.StatusTrials {
		t.Fatalf("the run ended with %v after %d trials", status, len(got))
	}
	return got
}

// recorder is a sink in memory.
type recorder struct{ trials []search.Trial }

func (r *recorder) Append(batch []search.Trial) error {
	r.trials = append(r.trials, batch...)
	return nil
}

// runUntil runs a searcher on p, with delays that shuffle the order in which
// evaluations end if there are several workers. It returns past and what was
// stored after it.
func runUntil(
	t *testing.T, make Maker, seed uint64, p *Toy, trials, workers int, past []search.Trial,
) ([]search.Trial, search.Status) {
	t.Helper()
	s, err := make(setup(p, seed))
	if err != nil {
		t.Fatal(err)
	}
	evaluator := search.Evaluator(p)
	if workers > 1 {
		evaluator = search.EvaluatorFunc(func(ctx context.Context, c search.Candidate) (search.Result, error) {
			switch rand.IntN(20) {
			case 0:
				time.Sleep(50 * time.Microsecond)
			case 1, 2, 3:
				runtime.Gosched()
			}
			return p.Evaluate(ctx, c)
		})
	}
	sink := &recorder{trials: slices.Clone(past)}
	o := search.Options{Workers: workers, Stop: search.Stop{Trials: trials}, Reference: p.Reference()}
	if past != nil {
		o.Replay = Yield(past)
	}
	sum, err := search.Run(context.Background(), s, evaluator, sink, p.Objectives(), o)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Trials != len(sink.trials) || sum.Replayed != len(past) {
		t.Fatalf("%d trials and %d replayed are reported, %d and %d there were",
			sum.Trials, sum.Replayed, len(sink.trials), len(past))
	}
	return sink.trials, sum.Status
}

// Yield yields trials without error, for [search.Options.Replay].
func Yield(trials []search.Trial) func(func(search.Trial, error) bool) {
	return func(yield func(search.Trial, error) bool) {
		for _, t := range trials {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// digest is equal for equal trials.
func digest(trials []search.Trial) string {
	h := sha256.New()
	for _, t := range trials {
		b, err := json.Marshal(t)
		if err != nil {
			panic(err)
		}
		h.Write(b)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func deterministic(t *testing.T, make Maker) {
	want := digest(run(t, make, 7, newToy(), 300, 1, nil))
	for workers := 1; workers <= 4; workers++ {
		if digest(run(t, make, 7, newToy(), 300, workers, nil)) != want {
			t.Errorf("%d workers give other trials than one", workers)
		}
	}
}

func anotherProcess(t *testing.T, make Maker) {
	parent := strings.TrimSuffix(t.Name(), "/another_process")
	file := filepath.Join(t.TempDir(), "digest")
	pattern := "^" + strings.ReplaceAll(parent, "/", "$/^") + "$"
	cmd := exec.Command(os.Args[0], "-test.run="+pattern, "-test.count=1")
	cmd.Env = append(os.Environ(), childVariable+"="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != digest(run(t, make, 7, newToy(), 300, 1, nil)) {
		t.Error("another process gives other trials")
	}
}

func valid(t *testing.T, make Maker) {
	p := newToy()
	trials := run(t, make, 3, p, 500, 3, nil)
	seen := map[string]int{}
	for i, x := range trials {
		if x.ID != i {
			t.Fatalf("trial %d has id %d", i, x.ID)
		}
		if !p.Valid(x.Genes) {
			t.Errorf("trial %d: genes %v", i, x.Genes)
		}
		key := fmt.Sprint(x.Genes)
		if k, ok := seen[key]; ok {
			t.Errorf("trials %d and %d are the same network", k, i)
		}
		seen[key] = i
		for _, parent := range x.Parents {
			if parent < 0 || parent >= i {
				t.Errorf("trial %d has parent %d", i, parent)
			}
		}
		if i > 0 && x.Generation < trials[i-1].Generation {
			t.Errorf("trial %d is of generation %d, the one before of %d", i, x.Generation, trials[i-1].Generation)
		}
	}
}

func failures(t *testing.T, make Maker) {
	for _, p := range []*Toy{
		{Genes: 6, Choices: 4, FailEvery: 1},
		{Genes: 6, Choices: 4, FailEvery: 2, MaxCost: 30},
		{Genes: 6, Choices: 4, MaxCost: 0.5}, // only the network of cost 0 is feasible
	} {
		trials := run(t, make, 5, p, 200, 2, nil)
		failed := 0
		for _, x := range trials {
			if x.Failed != "" {
				failed++
			}
		}
		if (failed > 0) != (p.FailEvery > 0) || p.FailEvery == 1 && failed != len(trials) {
			t.Errorf("%+v: %d of %d trials failed", *p, failed, len(trials))
		}
	}
}

func exhausted(t *testing.T, make Maker) {
	for _, p := range []*Toy{{Genes: 4, Choices: 3}, {Genes: 3, Choices: 2, FailEvery: 1}} {
		trials, status := runUntil(t, make, 1, p, 0, 2, nil)
		if n := int(p.Size().Int64()); status != search.StatusExhausted || len(trials) != n {
			t.Errorf("%+v: %v after %d of %d networks", *p, status, len(trials), n)
		}
	}
}

func start(t *testing.T, make Maker) {
	p := newToy()
	set := setup(p, 1)
	top := p.top()
	zero := slices.Repeat(top[:1], p.Genes)
	for i := range zero {
		zero[i] = 0
	}
	set.Start = append(set.Start, top, zero, top)
	s, err := make(set)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []space.Genes{top, zero} {
		c, state := s.Ask()
		if state != search.Ready || !slices.Equal(c.Genes, want) {
			t.Errorf("candidate %d is %v (%v), want %v", i, c.Genes, state, want)
		}
	}
	if c, state := s.Ask(); state == search.Ready && slices.Equal(c.Genes, top) {
		t.Error("a repeated start was asked for again")
	}
}

func replay(t *testing.T, make Maker) {
	const n = 70
	p := newToy()
	want := run(t, make, 11, p, n, 1, nil)
	for k := 0; k <= n; k++ {
		if got := run(t, make, 11, p, n, 1+k%4, want[:k:k]); digest(got) != digest(want) {
			t.Fatalf("resumed after %d trials the run goes another way", k)
		}
	}
	// Records of another seed are refused. (A searcher that does not draw at
	// random asks for the same.)
	other := run(t, make, 12, p, n, 1, nil)
	if digest(other) == digest(want) {
		return
	}
	s, err := make(setup(p, 11))
	if err != nil {
		t.Fatal(err)
	}
	_, err = search.Run(context.Background(), s, p, nil, p.Objectives(), search.Options{Replay: Yield(other)})
	if !errors.Is(err, search.ErrDiverged) {
		t.Errorf("the trials of another seed give %v", err)
	}
}

func protocol(t *testing.T, make Maker) {
	p := newToy()
	s, err := make(setup(p, 1))
	if err != nil {
		t.Fatal(err)
	}
	if s.Tell(search.Trial{}) == nil {
		t.Error("a trial that was not asked for is accepted")
	}
	told := 0
	var open []search.Candidate
	for told < 400 {
		c, state := s.Ask()
		switch state {
		case search.Ready:
			if open = append(open, c); len(open) > 5000 {
				t.Fatal("5000 candidates are open at once")
			}
			continue
		case search.Wait:
			if len(open) == 0 {
				t.Fatal("Ask waits while nothing is open")
			}
		case search.Exhausted:
			t.Fatal("exhausted")
		}
		if _, again := s.Ask(); again != search.Wait {
			t.Fatal("Ask waits, and then does not")
		}
		if len(open) > 1 {
			r, _ := p.Evaluate(context.Background(), open[1])
			if s.Tell(search.NewTrial(open[1], r)) == nil {
				t.Fatal("a trial told out of order is accepted")
			}
		}
		r, err := p.Evaluate(context.Background(), open[0])
		if err != nil {
			r.Failed = err.Error()
		}
		if err := s.Tell(search.NewTrial(open[0], r)); err != nil {
			t.Fatal(err)
		}
		open = open[1:]
		told++
	}
}

func name(t *testing.T, make Maker) {
	p := newToy()
	var names []string
	for _, seed := range []uint64{1234567, 1234567, 7654321} {
		s, err := make(setup(p, seed))
		if err != nil {
			t.Fatal(err)
		}
		before := s.String()
		for range 10 {
			s.Ask()
		}
		if s.String() != before {
			t.Errorf("the name changes from %q to %q", before, s)
		}
		names = append(names, before)
	}
	if names[0] != names[1] || names[0] == names[2] ||
		!strings.Contains(names[0], "1234567") || !strings.Contains(names[0], "gain max") {
		t.Errorf("the names are %q", names)
	}
	if _, err := make(search.Setup{Objectives: p.Objectives()}); err == nil {
		t.Error("no space, no error")
	}
	if _, err := make(search.Setup{Space: p}); err == nil {
		t.Error("no objectives, no error")
	}
}

// betterThanRandom compares hypervolumes over ten seeds; by chance alone nine
// wins have probability 0.01.
func betterThanRandom(t *testing.T, make Maker) {
	p := &Toy{Genes: 7, Choices: 4}
	wins := 0
	for seed := range uint64(10) {
		var volumes []float64
		for _, m := range []Maker{make, func(u search.Setup) (search.Searcher, error) { return search.NewRandom(u) }} {
			s, err := m(setup(p, seed))
			if err != nil {
				t.Fatal(err)
			}
			sum, err := search.Run(context.Background(), s, p, nil, p.Objectives(),
				search.Options{Stop: search.Stop{Trials: 300}, Reference: p.Reference()})
			if err != nil {
				t.Fatal(err)
			}
			volumes = append(volumes, sum.Hypervolume)
		}
		if volumes[0] > volumes[1] {
			wins++
		}
	}
	if wins < 9 {
		t.Errorf("better than random with %d of 10 seeds", wins)
	}
}
