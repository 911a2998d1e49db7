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
				b.SetBytes(4 * l.Conv.values())
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
			fmt.Fprintf(w, "%s\t%s\t%.1f us\t%.1f GFLOP/s\t%.1f %%\t%.1f GB/s\t\n",
				r.Name, r.Shape, r.MedianUs, r.GFLOPS, r.PctOfPeak, r.GBPerS)
		}
	}
	w.Flush()
}

// BenchmarkMaps times what runs over maps besides convolutions: a map of
// 28x28x240 (0.75 MB) read and written.
func BenchmarkMaps(b *testing.B) {
	const h, w, c = 28, 28, 240
	for _, name := range Supported()[1:] {
		s, _ := ByName(name)
		x, y, z := Alloc(h*w*c), Alloc(h*w*c), Alloc(h*w*c)
		for i := range x {
			x[i], z[i] = float32(i%17)-8, 1
		}
		vx, vy, vz := Dense(x, h, w, c), Dense(y, h, w, c), Dense(z, h, w, c)
		m := Map{W: w, C: c, Y1: h}
		p := Pool{H: h, W: w, C: c, OH: h, OW: w, KH: 3, KW: 3, SH: 1, SW: 1, PadT: 1, PadL: 1}
		up := Resize{H: h / 2, W: w / 2, C: c, OH: h, OW: w}
		sc := NewScratch(p.Need().Max(up.Need()).Max(MomentsNeed(c)))
		mean, variance := make([]float64, c), make([]float64, c)
		for _, k := range []struct {
			name string
			run  func()
		}{
			{"add", func() { s.Add(m, vy, vx, vz, None, sc) }},
			{"scale", func() { s.Scale(m, vy, vx, z[:c], sc) }},
			{"relu", func() { s.Activate(m, vy, vx, ReLU, sc) }},
			{"hswish", func() { s.Activate(m, vy, vx, HSwish, sc) }},
			{"swish", func() { s.Activate(m, vy, vx, Swish, sc) }},
			{"sigmoid", func() { s.Activate(m, vy, vx, Sigmoid, sc) }},
			{"affine", func() { s.Affine(m, vy, vx, z[:c], z[:c], ReLU, sc) }},
			{"globalavg", func() { s.GlobalAvg(y, vx, h, w, c, sc) }},
			{"moments", func() { s.Moments(mean, variance, x, h*w, c, c, sc) }},
			{"maxpool3", func() { s.MaxPool(&p, vy, vx, p.all(), sc) }},
			{"avgpool3", func() { s.AvgPool(&p, vy, vx, p.all(), sc) }},
			{"bilinear", func() { s.Bilinear(&up, vy, vx, up.all(), sc) }},
		} {
			b.Run(name+"/"+k.name, func(b *testing.B) {
				for b.Loop() {
					k.run()
				}
				b.ReportMetric(float64(h*w*c)*float64(b.N)/float64(b.Elapsed()), "values/ns")
			})
		}
	}
}
