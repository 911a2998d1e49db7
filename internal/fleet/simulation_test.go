// The processor time of the process is that of Unix.

//go:build unix

package fleet_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"nas/internal/buildinfo"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fleet"
	"nas/internal/journal"
	nasrun "nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/tasks"
	"nas/search"
	"nas/space"
)

// TestSimulation lets the real search loop, dispatcher, schedule and journal work with a service and workers of
// simulated time: evaluations of 1 to 600 s, and 1 % of the workers dying each hour. With NAS_SIMULATE=1 there are
// 10,000 workers and ten million evaluations; docs/scale.md has its figures. NAS_SIMULATE=WORKERS,EVALUATIONS,AHEAD is
// another size.
func TestSimulation(t *testing.T) {
	size := simulation{workers: 200, evaluations: 20_000, ahead: 5}
	if _, err := os.Stat("/dev/shm"); err == nil {
		size.evaluations = 100_000 // where a write need not wait for a disk
	}
	if testing.Short() {
		size.evaluations = 10_000
	}
	switch text := os.Getenv("NAS_SIMULATE"); {
	case text == "1":
		size = simulation{workers: 10_000, evaluations: 10_000_000, ahead: 5}
	case text != "":
		if _, err := fmt.Sscanf(text, "%d,%d,%f", &size.workers, &size.evaluations, &size.ahead); err != nil {
			t.Fatal(err)
		}
	}
	f := size.run(t)
	t.Logf("%d workers, %d evaluations, look_ahead %.3g times the workers, %v of simulated time:", size.workers,
		size.evaluations, size.ahead, f.took.Round(time.Hour))
	t.Logf("%.2f %% of the workers' life became recorded evaluations; %d died, %d tasks were handed out again, %d beats",
		100*f.utilised, f.deaths, f.redelivered, f.beats)
	t.Logf("processor time of searcher and simulation together: %.0f us for each evaluation", f.cpu.Seconds()*1e6/
		float64(size.evaluations))
	t.Logf("live heap of both %d MB at most; %s %d MB at most; trials.jsonl %d MB", f.heap>>20, journal.FileName,
		f.journal>>20, f.trials>>20)
	if f.utilised < 0.95 {
		t.Errorf("%.1f %% of the capacity are used, want 95", 100*f.utilised)
	}
	if f.redelivered == 0 {
		t.Error("nothing was lost: the test tests less than it should")
	}
}

type simulation struct {
	workers, evaluations int
	ahead                float64
}

type simulated struct {
	took                       time.Duration
	utilised                   float64
	deaths, redelivered, beats int
	cpu                        time.Duration
	heap                       uint64
	journal, trials            int64
}

// simulatedSpace has more networks than are evaluated.
func simulatedSpace() string {
	var b strings.Builder
	b.WriteString("[space]\ninput = [224, 224, 3]\nclasses = 10\n")
	for i := range 6 {
		fmt.Fprintf(&b, "[[space.stage]]\nchannels = [%d, %d, %d]\nstride = %d\ndepth = [1, 2, 3]\nkernel = [3, 5]\n"+
			"expansion = [3, 4, 6]\n", 24+8*i, 32+8*i, 40+8*i, 1+i%2)
	}
	_, rest, _ := strings.Cut(fmt.Sprintf(runConfig, 1), "[latency]")
	return b.String() + "[latency]" + rest
}

func (x simulation) run(t *testing.T) (f simulated) {
	base := t.TempDir()
	if dir, err := os.MkdirTemp("/dev/shm", "nas-simulation-*"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		base = dir
	}
	dir := filepath.Join(base, "run")
	set := func(c *config.Config, _ func(key, value, want string)) { c.Output.Dir = dir }
	c, err := config.Decode("test.toml", []byte(simulatedSpace()), set, evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nasrun.Run(t.Context(), nasrun.Options{Config: c}); err != nil {
		t.Fatal(err)
	}
	sp, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	objectives := []search.Objective{{Name: "latency_ms"}, {Name: "accuracy", Direction: search.Maximize}}
	searcher, err := search.New("evolution", search.Settings{
		Setup: search.Setup{Space: sp, Objectives: objectives, Seed: 1}, Population: 100,
		LookAhead: int(x.ahead * float64(x.workers)),
	})
	if err != nil {
		t.Fatal(err)
	}
	setup, err := tasks.SetupOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &fleet.World{
		Workers: x.workers, DiePerHour: 0.01, Away: 10 * time.Minute, Patience: 15 * time.Second,
		Delay:     50 * time.Millisecond,
		BeatEvery: 100 * time.Second, // as 10,000 workers are told to
		Work:      simulatedWork(setup.ID()),
	}
	before := processorTime(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		d, err := w.Open(t.Context(), fleet.Options{Dir: dir, Name: "simulation", Say: func(string, ...any) {}})
		if err != nil {
			t.Fatal(err)
		}
		sink := &countingSink{dir: dir, f: &f}
		summary, err := search.Run(t.Context(), searcher, d.Queue(), d.Sink(sink), objectives, search.Options{
			Stop: search.Stop{Trials: x.evaluations},
		})
		f.took, f.utilised = time.Since(began), w.Utilised()
		if err != nil || summary.Trials != x.evaluations || sink.next != x.evaluations {
			t.Errorf("%d trials, %d stored, %v", summary.Trials, sink.next, err)
		}
		if err := d.Close(true); err != nil {
			t.Error(err)
		}
	})
	f.cpu = processorTime(t) - before
	f.deaths, f.redelivered, f.beats = w.Deaths, w.Redelivered, w.Beats
	return f
}

// simulatedWork takes from 1 to 600 s, and makes results of the usual length.
func simulatedWork(run string) func(*tasks.Task) (time.Duration, tasks.Outcome) {
	r := rand.New(rand.NewPCG(3, 4))
	return func(x *tasks.Task) (time.Duration, tasks.Outcome) {
		seconds, sum := 1+599*r.Float64(), 0.0
		for i, g := range x.Genes {
			sum += float64(g) * float64(i%3+1)
		}
		latency, accuracy := 1+sum/7+r.Float64(), 100-200/(3+sum)+r.Float64()
		o := tasks.Outcome{
			Format: tasks.Format, Run: run, Kind: tasks.Evaluate, Trial: x.Trial, ArchID: x.ArchID, Worker: "w",
			Version: buildinfo.Version(), Seconds: seconds,
		}
		o.Result = runstore.AppendTrial(nil, &search.Trial{ID: x.Trial, ArchID: x.ArchID, Genes: space.Genes{},
			Result: search.Result{
				Objectives: map[string]float64{"latency_ms": latency, "accuracy": accuracy},
				Parts: map[string]float64{"latency_ms_lo": 0.9 * latency, "latency_ms_hi": 1.1 * latency,
					"params": 1e6 + 1e4*sum, "macs": 1e8 + 1e6*sum, "accuracy_lo": accuracy - 1, "accuracy_hi": accuracy + 1},
			}})
		o.Result = o.Result[:len(o.Result)-1]
		if err := o.Seal(); err != nil {
			panic(err)
		}
		return time.Duration(seconds * float64(time.Second)), o
	}
}

// countingSink notes how much would be stored, and how large everything is meanwhile.
type countingSink struct {
	dir  string
	f    *simulated
	next int
	buf  []byte
}

func (s *countingSink) Append(batch []search.Trial) error {
	for i := range batch {
		if batch[i].ID != s.next {
			return fmt.Errorf("trial %d is stored where %d comes next", batch[i].ID, s.next)
		}
		if s.next++; s.next%20_000 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			s.f.heap = max(s.f.heap, m.HeapInuse+m.StackInuse)
		}
		s.buf = runstore.AppendTrial(s.buf[:0], &batch[i])
		s.f.trials += int64(len(s.buf))
	}
	if info, err := os.Stat(filepath.Join(s.dir, journal.FileName)); err == nil {
		s.f.journal = max(s.f.journal, info.Size())
	}
	return nil
}

func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
