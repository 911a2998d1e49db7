package int8

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"nas/blocks/kernels"
)

// benchLayer is a layer of the list of package kernels, ready to run: random bytes and weights, ReLU6 by the limits.
func benchLayer(s *Set, g *kernels.Conv) func() {
	r := rand.New(rand.NewPCG(1, 1))
	w := Weights{Q: make([]int8, g.N*g.KH*g.KW*g.C/g.Groups), Scale: []float32{0.001}, Bias: make([]int32, g.N)}
	for i := range w.Q {
		w.Q[i] = int8(r.IntN(255) - 127)
	}
	grid := Grid{Scale: 0.1, Zero: 3}
	l := s.Layer(Alloc, *g, w, grid, grid.Full())
	src, dst := Dense(Alloc(g.H*g.W*g.C), g.H, g.W, g.C), Dense(Alloc(g.OH*g.OW*g.N), g.OH, g.OW, g.N)
	for i := range src.Data {
		src.Data[i] = byte(r.IntN(256))
	}
	sc := NewScratch(s.Need(l))
	return func() { s.Conv(l, dst, src, g.All(), sc) }
}

// BenchmarkConv runs every layer of the shape list on every set with assembly.
func BenchmarkConv(b *testing.B) {
	for _, name := range Supported()[1:] {
		s, _ := ByName(name)
		for _, shape := range kernels.BenchShapes() {
			b.Run(name+"/"+shape.Name, func(b *testing.B) {
				run := benchLayer(s, &shape.Conv)
				for b.Loop() {
					run()
				}
				b.ReportMetric(2*float64(shape.Conv.MACs())*float64(b.N)/float64(b.Elapsed()), "GOP/s")
			})
		}
	}
}

// lowest is the lower decile of times of f, in nanoseconds, each of a few calls.
type lowest []float64

func (l *lowest) time(calls int, f func()) {
	t := time.Now()
	for range calls {
		f()
	}
	*l = append(*l, float64(time.Since(t))/float64(calls))
}

func (l lowest) decile() float64 {
	slices.Sort(l)
	return l[len(l)/10]
}

// BenchmarkTable prints, for each layer of the list and each set, the time, the share of the dot-product peak and the
// ratio to the time in float32. Layer, peak and float32 take turns; each figure is a lower decile. NAS_BENCH_FILTER
// and NAS_BENCH_SET choose layers and a set.
func BenchmarkTable(b *testing.B) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, name := range Supported()[1:] {
		if !strings.HasPrefix(name, os.Getenv("NAS_BENCH_SET")) {
			continue
		}
		s, _ := ByName(name)
		isa := map[bool]string{true: "avx512", false: "avx2"}[s.masks]
		if s.vl == 4 {
			isa = "neon"
		}
		f, err := kernels.ByName(isa)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(w, "\n%s\tus\tGOP/s\t%% of peak\tfloat us\tratio\t\n", name)
		for _, shape := range kernels.BenchShapes() {
			if !strings.Contains(shape.Name, os.Getenv("NAS_BENCH_FILTER")) {
				continue
			}
			run, float := benchLayer(s, &shape.Conv), f.NewBench(shape)
			var ours, peak, theirs lowest
			macs := 0
			t := time.Now()
			run()
			calls := 1 + int(50*time.Microsecond/(time.Since(t)+1))
			for range 200 {
				ours.time(calls, run)
				peak.time(1, func() { macs = s.Peak(2000) })
				theirs.time(calls, float.Run)
			}
			us := ours.decile() / 1e3
			rate := 2 * float64(shape.Conv.MACs()) / us / 1e3
			most := 2 * float64(macs) / peak.decile()
			fmt.Fprintf(w, "%s\t%.1f\t%.0f\t%.0f\t%.1f\t%.2f\t\n", shape.Name, us, rate, 100*rate/most,
				theirs.decile()/1e3, us/(theirs.decile()/1e3))
		}
	}
	w.Flush()
}
