package engine

import (
	"fmt"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// BenchmarkCompile is what listing the kernels of a candidate costs a search.
func BenchmarkCompile(b *testing.B) {
	for _, n := range mobileNets(b, 224) {
		b.Run(n.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := Compile(n, target("avx512", 1), Options{})
				if err != nil {
					b.Fatal(err)
				}
				p.Kernels()
			}
		})
	}
}

// BenchmarkRun gives milliseconds, GFLOP/s and their share of the multiply-add
// peak of one core, measured in the same run.
func BenchmarkRun(b *testing.B) {
	set, err := kernels.Default()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range mobileNets(b, 224) {
		w := blocks.NewWeights(n, 1)
		if err := CalibrateBN(n, w, 1); err != nil {
			b.Fatal(err)
		}
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", n.Name, threads), func(b *testing.B) {
				p, err := Compile(n, Host(threads), Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := p.Bind(w); err != nil {
					b.Fatal(err)
				}
				in, out := noise(p.InLen(), 1), make([]float32, p.OutLen())
				peak := set.Peak()
				b.ReportAllocs()
				for b.Loop() {
					if err := p.Run(out, in); err != nil {
						b.Fatal(err)
					}
				}
				perRun := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
				gflops := 2 * float64(n.Counts().MACs) / perRun
				b.ReportMetric(perRun/1e6, "ms/run")
				b.ReportMetric(gflops, "GFLOP/s")
				b.ReportMetric(100*gflops/peak/float64(threads), "%peak")
			})
		}
	}
}
