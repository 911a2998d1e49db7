package output

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"nas/latency/timing"
)

// pattern makes a pattern that is right.
func pattern(t testing.TB, expression, unit string) *Pattern {
	t.Helper()
	return New(expression, unit, func(key, format string, a ...any) { t.Fatalf(key+": "+format, a...) })
}

func TestParse(t *testing.T) {
	p := pattern(t, `avg (?P<time>[0-9.]+) p10 (?P<p10>\d+) n (?P<runs>\d+)`, "us")
	s, err := p.Parse([]byte("load\navg 1500.5 p10 1400 n 20\navg 3 p10 2 n 5\n"), 2)
	if err != nil || s[0].MedianMs != 1.5005 || math.Abs(s[0].P10Ms-1.4) > 1e-12 || s[0].Runs != 20 ||
		s[1].MedianMs != 0.003 {
		t.Errorf("%+v, %v", s, err)
	}
	if s[0].P90Ms != 0 {
		t.Errorf("a 90th percentile that nobody told: %+v", s[0])
	}
	if _, err := p.Parse([]byte("Segmentation fault"), 1); err == nil ||
		!strings.Contains(err.Error(), "Segmentation") {
		t.Errorf("output without a time: %v", err)
	}
	s, err = p.Parse([]byte("avg 3 p10 4 n 5"), 1)
	if err != nil || s[0].P10Ms != 0 {
		t.Errorf("a median below its first decile: %+v, %v", s, err)
	}
	if _, err := p.Parse([]byte("avg 0 p10 0 n 1"), 1); err == nil {
		t.Error("zero was taken for a time")
	}
}

// The statistics that benchmark_model prints before its summary count: of the runs, not of the warm-up.
func TestParseTFLite(t *testing.T) {
	p := pattern(t, `Inference timings in us:.*Inference \(avg\): (?P<time>[0-9.e+]+)`, "us")
	const (
		warm    = "INFO: count=9 first=88000 min=51600 avg=58200 std=11500 p5=51600 median=52000 p95=88000\n"
		runs    = "INFO: count=1000 first=52200 max=6e+05 avg=63700 std=6e4 p5=49600 median=5.19e+04 p95=68600\n"
		old     = "count=50 first=52200 curr=49800 min=49100 max=690000 avg=63700 std=60700\n"
		one     = "count=1 curr=63700\n"
		summary = "INFO: Inference timings in us: Init: 119500, Warmup (avg): 58200, Inference (avg): 63700\n"
	)
	s, err := p.Parse([]byte(warm+"\n"+runs+"\n"+summary+"Timings: "+runs+warm+old+summary+warm+one+summary+summary), 4)
	if err != nil {
		t.Fatal(err)
	}
	mean := timing.Sample{MedianMs: 63.7, LowMs: 63.7, HighMs: 63.7}
	want := []timing.Sample{
		{MedianMs: 51.9, LowMs: 51.9, HighMs: 51.9, P5Ms: 49.6, P95Ms: 68.6, Runs: 1000}, mean, mean, mean,
	}
	want[1].Runs, want[2].Runs, want[3].Runs = 50, 1, 1
	want[1].Warnings = []string{"the time is a mean: this version of benchmark_model tells no median"}
	for i := range s {
		s[i] = rounded(s[i])
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v,\nwant %+v", s, want)
	}
}

// rounded is without what multiplying by the unit adds in the last digit.
func rounded(s timing.Sample) timing.Sample {
	for _, v := range []*float64{&s.MedianMs, &s.LowMs, &s.HighMs, &s.P5Ms, &s.P95Ms} {
		*v = math.Round(*v*1e6) / 1e6
	}
	return s
}

// Whatever a command prints, parse gives times that are times, or an error.
func FuzzParse(f *testing.F) {
	p := pattern(f, `t (?P<time>\S+)(?: p10 (?P<p10>\S+) n (?P<runs>\S+))?`, "s")
	for _, s := range []string{"t 1", "t 1e400", "t NaN", "t -1", "t 0x1p-2 p10 Inf n 1e300", "t 1 p10 x n -5", ""} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, out []byte, n int) {
		ss, err := p.Parse(out, n)
		if err != nil {
			return
		}
		if len(ss) != n {
			t.Errorf("%d times of %d models", len(ss), n)
		}
		for _, s := range ss {
			if !(s.MedianMs > 0 && s.MedianMs < maxMs && s.P10Ms >= 0 && s.P10Ms < maxMs && s.Runs >= 0) {
				t.Errorf("%q: %+v", out, s)
			}
		}
	})
}

// A time in a group "mean" is taken, and called what it is.
func TestParseMean(t *testing.T) {
	s, err := pattern(t, `average (?P<mean>[0-9.]+) ms`, "ms").Parse([]byte("average 1.5 ms\n"), 1)
	if err != nil || s[0].MedianMs != 1.5 || len(s[0].Warnings) != 1 || !strings.Contains(s[0].Warnings[0], "a mean") {
		t.Errorf("%+v, %v", s, err)
	}
}
