package kernels

import (
	"fmt"
	"os"
	"testing"
	"text/tabwriter"
	"time"
)

// BenchmarkConv runs every layer of the shape list on every instruction set.
func BenchmarkConv(b *testing.B) {
	for _, name := range Supported()[1:] {
		s, _ := ByName(name)
		peak := s.Peak()
		for _, shape := range BenchShapes() {
			b.Run(name+"/"+shape.Name, func(b *testing.B) {
				l := s.NewBench(shape)
				l.Run()
				b.SetBytes(l.Bytes())
				for b.Loop() {
					l.Run()
				}
				gf := 2 * float64(l.Conv.MACs()) * float64(b.N) / float64(b.Elapsed())
				b.ReportMetric(gf, "GFLOP/s")
				b.ReportMetric(100*gf/peak, "%peak")
			})
		}
	}
}

// BenchmarkTable prints the table of Measure, for people.
func BenchmarkTable(b *testing.B) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	names := Supported()
	if v := os.Getenv(EnvName); v != "" {
		names = []string{v}
	} else if len(names) > 1 {
		names = names[1:]
	}
	for _, name := range names {
		s, err := ByName(name)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(w, "\n%s, peak %.1f GFLOP/s\t\t\t\t\t\n", name, s.Peak())
		for _, r := range s.Measure(os.Getenv("NAS_BENCH_FILTER"), 60*time.Millisecond) {
			fmt.Fprintf(w, "%s\t%s\t%.1f us\t%.1f GFLOP/s\t%.1f %%\t%.1f GB/s\t\n", r.Name, r.Shape, r.MedianUs, r.GFLOPS, r.PctOfPeak, r.GBPerS)
		}
	}
	w.Flush()
}
