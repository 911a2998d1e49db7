package engine

import (
	"slices"
	"sync/atomic"
	"testing"

	"nas/blocks"
)

// The segments of every run are cut at the same places, each with its probe, every call
// has some, and the output stays what it was.
func TestTrace(t *testing.T) {
	n := mobilenetV3Small(t, 224)
	w := blocks.NewWeights(n, 1)
	for _, threads := range []int{1, 2} {
		p, err := Compile(n, Host(threads), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var probes atomic.Int64
		trace := Trace{Probe: func() { probes.Add(1) }}
		in, want := noise(p.InLen(), 1), make([]float32, p.OutLen())
		if p.RunTraced(want, in, &trace) == nil {
			t.Error("an unbound plan runs")
		}
		if err := p.Bind(w); err != nil {
			t.Fatal(err)
		}
		if err := p.Run(want, in); err != nil || probes.Load() != 0 {
			t.Fatalf("%v, %d probes without a trace", err, probes.Load())
		}
		var first []ThreadTrace
		for k := range 4 {
			out := make([]float32, p.OutLen())
			probes.Store(0)
			if err := p.RunTraced(out, in, &trace); err != nil || !slices.Equal(out, want) {
				t.Fatalf("%d threads: %v, or another output", threads, err)
			}
			if len(trace.Threads) != threads {
				t.Fatalf("%d traces of %d threads", len(trace.Threads), threads)
			}
			total := 0
			for i, l := range trace.Threads {
				total += len(l.Segments)
				if len(l.Ends) != len(p.Kernels()) || l.Ends[len(l.Ends)-1] != len(l.Segments) || !slices.IsSorted(l.Ends) {
					t.Fatalf("thread %d: %d segments, calls end at %v", i, len(l.Segments), l.Ends)
				}
				if i == 0 && len(l.Segments) < len(p.Kernels())+10 {
					t.Errorf("%d segments for %d calls: none is cut", len(l.Segments), len(p.Kernels()))
				}
				for _, seg := range l.Segments {
					if seg.Ns < 0 || seg.ProbeNs < 0 {
						t.Fatalf("thread %d: %+v", i, seg)
					}
				}
				if k == 0 {
					first = append(first, ThreadTrace{Ends: slices.Clone(l.Ends)})
				} else if !slices.Equal(first[i].Ends, l.Ends) {
					t.Errorf("%d threads, thread %d: the calls end at %v, and at %v in another run", threads, i, first[i].Ends, l.Ends)
				}
			}
			if int(probes.Load()) != total {
				t.Errorf("%d probes for %d segments", probes.Load(), total)
			}
		}
		if a := testing.AllocsPerRun(20, func() {
			if err := p.RunTraced(want, in, &trace); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%d threads: %v allocations a run", threads, a)
		}
	}
}
