package runstore

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/search"
)

// same compares a view with the whole trial, for the keys "a" and "b".
func same(t *testing.T, v *TrialView, x *search.Trial) {
	t.Helper()
	if v.ID != x.ID || string(v.ArchID) != x.ArchID || string(v.Arch) != x.Arch || v.Screened != x.Screened ||
		v.Failed != (x.Failed != "") ||
		v.Violation != x.Violation && !math.IsNaN(x.Violation) || v.Feasible() != x.Feasible() {
		t.Errorf("the view is %+v, the trial %+v", v, x)
	}
	for i, key := range []string{"a", "b"} {
		want, ok := x.Objectives[key]
		if !ok {
			if want, ok = x.Parts[key]; !ok {
				want = math.NaN()
			}
		}
		if got := v.Values[i]; math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s is %v in the view, %v in the trial", key, got, want)
		}
	}
}

func FuzzTrialView(f *testing.F) {
	f.Add([]byte(`{"id":0,"arch_id":"ab","arch":"x | y_k3_\u00e9","genes":[0,2],"generation":3,"parents":[4],` +
		`"objectives":{"a":1e-9},"parts":{"b":"NaN","a":7,"c":-0.5},"violation":0,"violations":{"c":"+Inf"},` +
		`"screened":true,"warnings":["\u00e9\n"],"failed":"why"}`))
	f.Add([]byte(`{"parts":{"a":1,"b":2},"objectives":{"b":3,"z":"-Inf"},"violation":0.5,"genes":[ 1 , -2 ],` +
		`"id":0,"arch_id":"\"","failed":""}`))
	f.Add([]byte(`{"id":0,"arch_id":"ab","genes":[0],"violation":0,"objectives":{"b":"NaN"},"parts":{"b":2}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		x, err := ParseTrial(line)
		if err != nil {
			return // what is passed over may be damaged
		}
		v := TrialView{keys: []string{"a", "b"}, Values: make([]float64, 2), found: make([]bool, 2)}
		if err := v.parse(line, location{}); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		same(t, &v, &x)
	})
}

func TestTrialViewNamesDamage(t *testing.T) {
	good := `{"id":0,"arch_id":"ab","arch":"x","genes":[0],"violation":0}` + "\n"
	for bad, want := range map[string]string{
		`{"id":2,"arch_id":"ab","genes":[0],"violation":0}`:                       "holds trial 2 where trial 1 comes next",
		`{"id":1,"arch_id":"ab","genes":[x],"violation":0}`:                       "stands where an integer is wanted",
		`{"id":1,"arch_id":"ab","genes":[1`:                                       "no end",
		`{"id":1,"arch_id":"ab","genes":[1],"violation":0,"parts":{"z":}}`:        "stands where a number is wanted",
		`{"id":1,"arch_id":"ab","genes":[1],"violation":0,"parts":{"a":1.2.3}}`:   "stands where a number is wanted",
		`{"id":1,"arch_id":"ab","genes":[1]}`:                                     "missing",
		`{"id":1,"arch_id":"ab","genes":[1],"violation":0,"speed":1}`:             `unknown key "speed"`,
		`{"id":1,"arch_id":"ab` + "\x00" + `23456789","genes":[1],"violation":0}`: "a string is broken",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, TrialsFile), []byte(good+bad+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		var last error
		for v, err := range TrialViews(dir, "a") {
			if last = err; err == nil {
				n++
				if x, err := v.Trial(); err != nil || x.Arch != "x" {
					t.Errorf("%+v, %v", x, err)
				}
			}
		}
		if n != 1 || last == nil || !strings.Contains(last.Error(), "line 2 is damaged") ||
			!strings.Contains(last.Error(), want) {
			t.Errorf("%s: %d trials and %v, want %s", bad, n, last, want)
		}
	}
	// What was passed over is judged where the whole trial is asked for.
	dir := t.TempDir()
	bad := []byte(strings.Replace(good, "[0]", "[0,,]", 1))
	if err := os.WriteFile(filepath.Join(dir, TrialsFile), bad, 0o600); err != nil {
		t.Fatal(err)
	}
	for v, err := range TrialViews(dir) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Trial(); err == nil || !strings.Contains(err.Error(), "line 1 is damaged") {
			t.Errorf("a damaged whole gives %v", err)
		}
	}
}

func BenchmarkTrialView(b *testing.B) {
	x := benchTrial()
	line := AppendTrial(nil, &x)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	v := TrialView{
		keys: []string{"latency", "accuracy", "params", "macs"}, Values: make([]float64, 4), found: make([]bool, 4),
	}
	for b.Loop() {
		if err := v.parse(line, location{}); err != nil {
			b.Fatal(err)
		}
	}
}
