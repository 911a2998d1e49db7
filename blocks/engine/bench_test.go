package engine

import (
	"testing"

	"nas/blocks"
)

func benchNets(t testing.TB) []*blocks.Network {
	return []*blocks.Network{mobilenetV1(t, 224), mobilenetV2(t, 224), mobilenetV3Large(t, 224), mobilenetV3Small(t, 224), efficientNetB0(t, 224)}
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range benchNets(b) {
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

func BenchmarkRun(b *testing.B) {
	for _, n := range benchNets(b) {
		b.Run(n.Name, func(b *testing.B) {
			p, err := Compile(n, Host(1), Options{})
			if err != nil {
				b.Fatal(err)
			}
			if err := p.Bind(blocks.NewWeights(n, 1)); err != nil {
				b.Fatal(err)
			}
			in, out := noise(p.InLen(), 1), make([]float32, p.OutLen())
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Run(out, in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/run")
		})
	}
}
