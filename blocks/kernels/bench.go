package kernels

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

//go:embed testdata/shapes.txt
var shapesText string

// BenchShape is a layer that kernel speeds are measured on.
type BenchShape struct {
	Name string
	Kind string // pw, dw, dws2, dwdil, stem, dense, dil, group, fc
	Conv Conv
}

// BenchShapes returns the list of testdata/shapes.txt.
func BenchShapes() []BenchShape {
	var out []BenchShape
	for line := range strings.Lines(shapesText) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		var b BenchShape
		var h, w, c, n, k, s, d, g int
		if _, err := fmt.Sscan(line, &b.Name, &b.Kind, &h, &w, &c, &n, &k, &s, &d, &g); err != nil {
			panic("kernels: shapes.txt: " + line + ": " + err.Error())
		}
		p := d * (k - 1) / 2
		out1 := func(i int) int { return (i+2*p-d*(k-1)-1)/s + 1 }
		b.Conv = Conv{H: h, W: w, C: c, OH: out1(h), OW: out1(w), N: n, KH: k, KW: k, SH: s, SW: s, DH: d, DW: d, PadT: p, PadL: p, Groups: g}
		out = append(out, b)
	}
	return out
}

// Speed is one measurement.
type Speed struct {
	Name      string  `json:"name"`
	Shape     string  `json:"shape"`
	Variant   string  `json:"variant"`
	MedianUs  float64 `json:"median_us"`
	GFLOPS    float64 `json:"gflops"`      // 2 x MACs, taps in the padding counted
	PctOfPeak float64 `json:"pct_of_peak"` // of Peak of the same instruction set in the same run
	GBPerS    float64 `json:"gb_per_s"`    // input + output + weights, each once
}

// Peak measures the rate of multiply-adds on registers, in GFLOP/s: the best of
// ten loops of about half a millisecond.
func (s *Set) Peak() float64 {
	best := 0.0
	n := 1000
	for tries := 0; tries < 10; {
		t := time.Now()
		f := s.peak(n)
		ns := float64(time.Since(t))
		if ns < 5e5 {
			n *= 2
			continue
		}
		best = max(best, float64(f)/ns)
		tries++
	}
	return best
}

// Bench is a layer ready to be run by a set: random maps and weights, ReLU6.
type Bench struct {
	BenchShape
	set      *Set
	w, bias  []float32
	src, dst View
	sc       *Scratch
}

// NewBench allocates a layer.
func (s *Set) NewBench(b BenchShape) *Bench {
	g := &b.Conv
	r := rand.New(rand.NewPCG(1, 1))
	fill := func(n int) []float32 {
		d := Alloc(n)
		for i := range d {
			d[i] = float32(r.NormFloat64())
		}
		return d
	}
	t := &Bench{BenchShape: b, set: s, w: Alloc(g.PackedLen()), bias: Alloc(g.BiasLen()), sc: NewScratch(s.ConvNeed(g))}
	g.Pack(t.w, fill(g.KH*g.KW*g.C/g.Groups*g.N))
	g.PackBias(t.bias, fill(g.N))
	t.src = Dense(fill(g.H*g.W*g.C), g.H, g.W, g.C)
	t.dst = Dense(Alloc(g.OH*g.OW*g.N), g.OH, g.OW, g.N)
	return t
}

// Run runs the layer once.
func (b *Bench) Run() {
	b.set.Conv(&b.Conv, b.w, b.bias, b.dst, b.src, Epilogue{Act: ReLU6}, b.Conv.All(), b.sc)
}

// Bytes is input, output and weights.
func (b *Bench) Bytes() int64 {
	g := &b.Conv
	return 4 * int64(g.H*g.W*g.C+g.OH*g.OW*g.N+g.KH*g.KW*(g.C/g.Groups)*g.N+g.N)
}

// Measure times the layers whose name contains filter, warm, each for about
// the given time, and gives the median.
func (s *Set) Measure(filter string, each time.Duration) []Speed {
	var out []Speed
	for _, shape := range BenchShapes() {
		if !strings.Contains(shape.Name, filter) {
			continue
		}
		b := s.NewBench(shape)
		peak := s.Peak()
		b.Run()
		var ns []float64
		for start := time.Now(); time.Since(start) < each || len(ns) < 5; {
			t := time.Now()
			b.Run()
			ns = append(ns, float64(time.Since(t)))
		}
		slices.Sort(ns)
		med := ns[len(ns)/2]
		g := &b.Conv
		out = append(out, Speed{
			Name:      shape.Name,
			Shape:     fmt.Sprintf("%dx%dx%d->%dx%dx%d k%dx%d s%d d%d g%d", g.H, g.W, g.C, g.OH, g.OW, g.N, g.KH, g.KW, g.SH, g.DH, g.Groups),
			Variant:   s.name,
			MedianUs:  med / 1e3,
			GFLOPS:    2 * float64(g.MACs()) / med,
			PctOfPeak: 100 * 2 * float64(g.MACs()) / med / peak,
			GBPerS:    float64(b.Bytes()) / med,
		})
	}
	return out
}
