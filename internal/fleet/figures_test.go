package fleet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nas/internal/fleet"
	nasrun "nas/internal/run"
	"nas/internal/tasks"
	"nas/search"
	"nas/space"
)

// TestFigures measures what docs/scale.md says of a fleet: NAS_FIGURES makes it run. It wants a quiet machine.
func TestFigures(t *testing.T) {
	if os.Getenv("NAS_FIGURES") == "" {
		t.Skip("NAS_FIGURES is not set")
	}
	disk(t)
	t.Run("overhead", func(t *testing.T) {
		x := newBench(t)
		start(t, &fleet.Worker{Access: x.access, Name: "w", Slots: 1})
		var ms []float64
		for i := range 400 {
			began := time.Now()
			if _, err := x.queue.Evaluate(t.Context(), x.candidate(i)); err != nil {
				t.Fatal(err)
			}
			if i >= 50 {
				ms = append(ms, float64(time.Since(began).Microseconds())/1000)
			}
		}
		slices.Sort(ms)
		t.Logf("one at a time, from submitted to recorded: median %.2f ms, 95th percentile %.2f ms", ms[len(ms)/2],
			ms[len(ms)*95/100])
	})
	t.Run("throughput", func(t *testing.T) {
		x := newBench(t)
		start(t, &fleet.Worker{Access: x.access, Name: "w", Slots: 2})
		x.all(0, 2000) // until the fleet knows how long one takes
		const n = 30000
		began := time.Now()
		x.all(2000, n)
		t.Logf("%.0f evaluations a second", n/time.Since(began).Seconds())
	})
	t.Run("workers", func(t *testing.T) {
		rates := map[int]float64{}
		for _, n := range []int{1, 4} {
			x := newBench(t)
			for i := range n {
				w := &fleet.Worker{Access: x.access, Name: fmt.Sprint("w", i), Slots: 1}
				w.Before(func(context.Context, *tasks.Task) error { time.Sleep(time.Second); return nil })
				start(t, w)
			}
			x.all(0, n) // all are there
			began := time.Now()
			x.all(n, 10*n)
			rates[n] = float64(10*n) / time.Since(began).Seconds()
		}
		t.Logf("evaluations of 1 s: %.3f/s by one worker, %.3f/s by four: %.2f times", rates[1], rates[4], rates[4]/rates[1])
	})
	t.Run("queued", func(t *testing.T) {
		x := newBench(t)
		debug.FreeOSMemory()
		before := resident(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		const n = 100_000
		for i := range n {
			x.queue.Submit(ctx, x.candidate(i), func(search.Result, error) {})
		}
		time.Sleep(5 * time.Second)
		t.Logf("%d queued: searcher and service together %d MB, %d MB of them since before", n, resident(t),
			resident(t)-before)
	})
}

// disk says how long the disk takes to make something safe: it is in every figure.
func disk(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var us []int64
	for range 200 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 700)); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		us = append(us, time.Since(began).Microseconds())
	}
	slices.Sort(us)
	t.Logf("%d cores; a write that is synced takes %d us in the median", runtime.NumCPU(), us[len(us)/2])
}

// bench is a run whose candidates are not a search's.
type bench struct {
	*testing.T
	access fleet.Access
	queue  search.Queue
	space  *space.Space
	rand   *rand.Rand
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, a := serve(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := configOf(t, dir, 1)
	if _, err := nasrun.Run(t.Context(), nasrun.Options{Config: c}); err != nil {
		t.Fatal(err)
	}
	say := func(string, ...any) {}
	d, err := fleet.Open(t.Context(), fleet.Options{Access: s.Access(), Dir: dir, Name: "bench", Say: say})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(true) })
	sp, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, a, d.Queue(), sp, rand.New(rand.NewPCG(1, 2))}
}

func (x *bench) candidate(i int) search.Candidate {
	g := x.space.Sample(x.rand)
	c := search.Candidate{ID: i, Genes: g, Arch: x.space.Arch(g)}
	c.Describe()
	return c
}

// all has n candidates evaluated, from an id on.
func (x *bench) all(from, n int) {
	var open sync.WaitGroup
	open.Add(n)
	for i := range n {
		x.queue.Submit(x.Context(), x.candidate(from+i), func(r search.Result, err error) {
			if err != nil || r.Failed != "" {
				x.Errorf("%v %s", err, r.Failed)
			}
			open.Done()
		})
	}
	open.Wait()
}

// resident is the memory of this process in MB.
func resident(t *testing.T) (mb int) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("the memory of a process is not known here")
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &mb); err == nil {
			return mb / 1024
		}
	}
	t.Skip("the memory of a process is not known here")
	return 0
}
