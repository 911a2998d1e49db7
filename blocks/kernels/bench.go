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
		b.Conv = Conv{H: h, W: w, C: c, OH: out1(h), OW: out1(w), N: n, KH: k, KW: k, SH: s, SW: s, DH: d, DW: d,
			PadT: p, PadL: p, Groups: g}
		out = append(out, b)
	}
	return out
}

// Speed is one measurement.
type Speed struct {
	Name     string  `json:"name"`
	Shape    string  `json:"shape"`
	Variant  string  `json:"variant"`
	MedianUs float64 `json:"median_us"`
	P10Us    float64 `json:"p10_us"` // lower decile
	GFLOPS   float64 `json:"gflops"` // 2 x MACs, taps in the padding counted, at the median
	// PctOfPeak is the rate at the lower decile of the times, in per cent of the
	// machine's rate of multiply-adds on registers, which is the upper decile of
	// loops run in between. On a shared machine other programs slow down a kernel,
	// which uses the caches, more than such a loop; a ratio of medians would
	// measure them, that of the fast deciles measures the kernel.
	PctOfPeak float64 `json:"pct_of_peak"`
	GBPerS    float64 `json:"gb_per_s"` // input + output + weights, each once
}

// Peak measures the rate of multiply-adds on registers, in GFLOP/s: the best of
// ten loops of about half a millisecond.
func (s *Set) Peak() float64 { return PeakRate(s.peak) }

// PeakRate is [Set.Peak] of any loop: loop does n rounds on registers and returns the operations in them.
func PeakRate(loop func(n int) (ops int)) float64 {
	best := 0.0
	n := 1000
	for tries := 0; tries < 10; {
		t := time.Now()
		f := loop(n)
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

// values is those of input, output and weights.
func (g *Conv) values() int64 {
	return int64(g.H*g.W*g.C + g.OH*g.OW*g.N + g.KH*g.KW*(g.C/g.Groups)*g.N + g.N)
}

// Meter times layers against the peak of an instruction set.
type Meter struct {
	Variant    string
	ValueBytes int                             // the size of a value of a map
	Peak       func(n int) (ops int)           // as in PeakRate
	Layer      func(b BenchShape) (run func()) // makes a layer ready to be run
}

// peakLoops returns how many rounds of the loop on registers take about 50 us.
func (m *Meter) peakLoops() int {
	n := 100
	for {
		t := time.Now()
		m.Peak(n)
		if time.Since(t) > 25*time.Microsecond {
			return n
		}
		n *= 2
	}
}

// timed is a layer under measurement.
type timed struct {
	BenchShape
	m     *Meter
	run   func()
	ns    []float64 // of each run
	peaks []float64 // FLOP per ns of the loops on registers in between
}

// turn runs the layer for a while, and a loop on registers after each 200 us of it.
func (t *timed) turn(loops int, d time.Duration) {
	t.run() // warm again
	since := time.Duration(0)
	for n, start := 0, time.Now(); time.Since(start) < d || n == 0; n++ {
		at := time.Now()
		t.run()
		took := time.Since(at)
		t.ns = append(t.ns, float64(took))
		if since += took; since < 200*time.Microsecond && n > 0 {
			continue
		}
		since = 0
		at = time.Now()
		f := t.m.Peak(loops)
		t.peaks = append(t.peaks, float64(f)/float64(time.Since(at)))
	}
}

// measureTurns is how many times Measure goes through its list. A disturbance of a
// second then spoils some runs of every layer, which a lower decile leaves out, and
// not all runs of a few layers.
const measureTurns = 6

// Measure times the layers whose name contains filter, warm, each for about the
// given time in all.
func (s *Set) Measure(filter string, each time.Duration) []Speed {
	m := Meter{Variant: s.name, ValueBytes: 4, Peak: s.peak, Layer: func(b BenchShape) func() { return s.NewBench(b).Run }}
	return m.Measure(filter, each)
}

// Measure is [Set.Measure] for the layers of m.
func (m *Meter) Measure(filter string, each time.Duration) []Speed {
	var layers []*timed
	for _, shape := range BenchShapes() {
		if strings.Contains(shape.Name, filter) {
			layers = append(layers, &timed{BenchShape: shape, m: m, run: m.Layer(shape)})
		}
	}
	loops := m.peakLoops()
	for range measureTurns {
		for _, l := range layers {
			l.turn(loops, each/measureTurns)
		}
	}
	var out []Speed
	for _, l := range layers {
		out = append(out, l.speed())
	}
	return out
}

func (t *timed) speed() Speed {
	slices.Sort(t.ns)
	slices.Sort(t.peaks)
	med, p10 := t.ns[len(t.ns)/2], t.ns[len(t.ns)/10]
	peak := t.peaks[len(t.peaks)-1-len(t.peaks)/10]
	g := &t.Conv
	flops := 2 * float64(g.MACs())
	return Speed{
		Name: t.Name,
		Shape: fmt.Sprintf("%dx%dx%d->%dx%dx%d k%dx%d s%d d%d g%d",
			g.H, g.W, g.C, g.OH, g.OW, g.N, g.KH, g.KW, g.SH, g.DH, g.Groups),
		Variant:   t.m.Variant,
		MedianUs:  med / 1e3,
		P10Us:     p10 / 1e3,
		GFLOPS:    flops / med,
		PctOfPeak: 100 * flops / p10 / peak,
		GBPerS:    float64(g.values()*int64(t.m.ValueBytes)) / med,
	}
}
