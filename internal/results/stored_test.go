package results

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
)

// trialFile writes trials into a directory of their own.
func trialFile(t *testing.T, trials ...search.Trial) (dir string) {
	t.Helper()
	var b []byte
	for i := range trials {
		b = runstore.AppendTrial(b, &trials[i])
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, runstore.TrialsFile), b, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A million stored trials must not take gigabytes: what is held of one that is not
// on the front is far less than its line, and little is allocated on the way.
func TestLoadHoldsLittleOfATrial(t *testing.T) {
	const n = 20000
	trials := make([]search.Trial, n)
	for i := range trials {
		arch := "224x224x3 | conv_k3_s2_c16_relu6 |"
		for b := range 20 {
			arch += fmt.Sprintf(" mbconv_k%d_s1_x%d_c%d_hswish_se%d:relu:hsigmoid_res", 3+2*((i+b)%3), 96+8*((i*7+b)%40),
				16+8*b, 8+8*((i+b)%5))
		}
		x := &trials[i]
		*x = search.Trial{ID: i, ArchID: idOf(arch), Arch: arch, Genes: make([]uint16, 120),
			Generation: i / 100, Parents: []int{i / 2, i / 3}}
		ms := 5 + float64(i*7919%n)/n
		x.Objectives = map[string]float64{runstore.KeyLatency: ms, runstore.KeyAccuracy: 70 + float64(i%97)/97}
		x.Parts = map[string]float64{runstore.KeyLatency + "_low": 0.9 * ms, runstore.KeyLatency + "_high": 1.1 * ms,
			runstore.KeyParams: float64(3e6 + i), runstore.KeyMACs: float64(3e8 + i)}
	}
	s := &Stored{Dir: trialFile(t, trials...), Config: &config.Config{}}
	s.Manifest.Objectives = latencyAndAccuracy
	var err error
	if s.Front, err = search.NewFront(latencyAndAccuracy, []float64{100, 0}); err != nil {
		t.Fatal(err)
	}
	trials = nil
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := s.readTrials(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if s.Trials != n || s.Shown.Len() != n || s.Front.Len() < 3 || s.Front.Len() > n/100 {
		t.Fatalf("%d trials, %d shown, a front of %d", s.Trials, s.Shown.Len(), s.Front.Len())
	}
	if held := float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / n; held > 300 {
		t.Errorf("%.0f bytes are held of a trial, want at most 300", held)
	}
	if made := float64(after.Mallocs-before.Mallocs) / n; made > 1 {
		t.Errorf("%.2f allocations a trial, want less than one", made)
	}
	runtime.KeepAlive(s)
}

// What is read at a glance is what the whole trials say, for every kind of trial.
// idOf is the arch_id of an arch.
func idOf(arch string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(arch)))[:12] }

func TestReadAgreesWithWholeTrials(t *testing.T) {
	objectives := append(slices.Clone(latencyAndAccuracy), search.Objective{Name: runstore.KeyMACs})
	r := rand.New(rand.NewPCG(1, 2))
	var trials []search.Trial
	for i := range 400 {
		arch := fmt.Sprintf("32x32x3 | ds_k%d  | é_%d", r.IntN(4), i%300)
		x := search.Trial{
			ID: i, ArchID: idOf(arch), Arch: arch,
			Genes: []uint16{uint16(i), 7}, Parents: []int{0},
		}
		x.Objectives = map[string]float64{
			runstore.KeyLatency:  float64(1 + r.IntN(40)),
			runstore.KeyAccuracy: r.Float64(), runstore.KeyMACs: float64(r.IntN(50)),
		}
		x.Parts = map[string]float64{
			runstore.KeyLatency + "_low": math.Inf(-1), runstore.KeyParams: float64(i), runstore.KeyAccuracy: 9,
		}
		switch r.IntN(8) {
		case 0:
			x.Screened, x.Objectives = true, nil
			x.AtMost("params", 2, 1)
		case 1:
			x.AtMost("latency", x.Objectives[runstore.KeyLatency], 0.5)
		case 2:
			x.Failed, x.Warnings = "no such kernel", []string{"odd"}
		case 3:
			x.Objectives[runstore.KeyAccuracy] = math.NaN()
		case 4:
			delete(x.Objectives, runstore.KeyMACs)
		}
		trials = append(trials, x)
	}
	s := &Stored{Dir: trialFile(t, trials...), Config: &config.Config{}}
	s.Manifest.Objectives = objectives
	var err error
	if s.Front, err = search.NewFront(objectives, []float64{100, 0, 100}); err != nil {
		t.Fatal(err)
	}
	want, _ := search.NewFront(objectives, []float64{100, 0, 100})
	if err := s.readTrials(); err != nil {
		t.Fatal(err)
	}
	x, y := s.Axes()
	screened, shown := 0, 0
	for i := range trials {
		want.Add(trials[i])
		if trials[i].Screened {
			screened++
		}
		q, ok := ShownTrial(&trials[i], x, y)
		at, found := s.Shown.Find(i)
		if ok != found {
			t.Fatalf("trial %d: shown %v, want %v", i, found, ok)
		}
		if !ok {
			continue
		}
		shown++
		q.Arch = strings.Join(strings.Fields(q.Arch), " ")
		if got := s.Shown.At(at); got != q {
			t.Errorf("trial %d is %+v, want %+v", i, got, q)
		}
	}
	if s.Trials != len(trials) || s.Screened != screened || s.Shown.Len() != shown {
		t.Errorf("%d trials, %d screened, %d shown; want %d, %d, %d", s.Trials, s.Screened, s.Shown.Len(),
			len(trials), screened, shown)
	}
	if a, b := s.Front.Trials(), want.Trials(); !reflect.DeepEqual(ids(a), ids(b)) ||
		s.Front.Hypervolume() != want.Hypervolume() || len(a) < 3 {
		t.Errorf("the front is %v, want %v", ids(a), ids(b))
	}
	if a := s.Front.Trials()[0]; !reflect.DeepEqual(a, trials[a.ID]) {
		t.Errorf("a member is %+v, want all of %+v", a, trials[a.ID])
	}
}

func ids(ts []search.Trial) (out []int) {
	for _, t := range ts {
		out = append(out, t.ID)
	}
	return out
}
