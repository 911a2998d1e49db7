package runstore

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nas/search"
)

func TestLineKnown(t *testing.T) {
	trial := search.Trial{
		ID: 17, ArchID: "fe0479c0cb02", Arch: "32x32x3 | ds_k3", Genes: []uint16{0, 2, 1},
		Generation: 3, Parents: []int{4, 9},
		Result: search.Result{
			Objectives: map[string]float64{"latency": 12.5, "accuracy": -0.1},
			Parts: map[string]float64{"macs": 300e6, "tiny": 1e-9, "huge": 1e300, "nan": math.NaN(),
				"inf": math.Inf(1), "minf": math.Inf(-1)},
			Violation: 0.25, Violations: map[string]float64{"max_latency": 0.25}, Screened: true,
			Rungs: []float64{71.5, 80}, Stopped: true, Warnings: []string{`unknown kernel "dw"`, "é\n"}, Failed: "why",
		},
	}
	const want = `{"id":17,"arch_id":"fe0479c0cb02","arch":"32x32x3 | ds_k3","genes":[0,2,1],"generation":3,` +
		`"parents":[4,9],` +
		`"objectives":{"accuracy":-0.1,"latency":12.5},` +
		`"parts":{"huge":1e+300,"inf":"+Inf","macs":300000000,"minf":"-Inf","nan":"NaN","tiny":1e-09},` +
		`"violation":0.25,"violations":{"max_latency":0.25},"screened":true,"rungs":[71.5,80],"stopped":true,` +
		`"warnings":["unknown kernel \"dw\"","é\n"],"failed":"why"}` + "\n"
	got := AppendTrial(nil, &trial)
	if string(got) != want {
		t.Errorf("got  %swant %s", got, want)
	}
	var generic map[string]any
	if err := json.Unmarshal(got, &generic); err != nil {
		t.Error(err)
	}
	if got := AppendTrial(nil, &search.Trial{}); string(got) != `{"id":0,"arch_id":"","genes":[],"violation":0}`+"\n" {
		t.Errorf("the zero trial is %s", got)
	}
}

func TestLineRoundTrip(t *testing.T) {
	ids := rapid.String().Filter(func(s string) bool { return len(s) != 12 }) // 12 bytes are a hash of the arch
	values := rapid.MapOfN(rapid.String(), rapid.Float64(), 0, 5)
	rapid.Check(t, func(t *rapid.T) {
		want := search.Trial{
			ID:     rapid.IntRange(0, math.MaxInt).Draw(t, "id"),
			ArchID: ids.Draw(t, "arch_id"), Arch: rapid.String().Draw(t, "arch"),
			Genes: rapid.SliceOf(rapid.Uint16()).Draw(t, "genes"), Generation: rapid.Int().Draw(t, "generation"),
			Parents: rapid.SliceOf(rapid.Int()).Draw(t, "parents"), Continues: rapid.Int().Draw(t, "continues"),
			Result: search.Result{
				Objectives: values.Draw(t, "objectives"), Parts: values.Draw(t, "parts"), Violations: values.Draw(t, "violations"),
				Violation: rapid.Float64().Draw(t, "violation"), Screened: rapid.Bool().Draw(t, "screened"),
				Rungs: rapid.SliceOf(rapid.Float64()).Draw(t, "rungs"), Stopped: rapid.Bool().Draw(t, "stopped"),
				Warnings: rapid.SliceOf(rapid.String()).Draw(t, "warnings"), Failed: rapid.String().Draw(t, "failed"),
			},
		}
		line := AppendTrial(nil, &want)
		got, err := ParseTrial(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if again := AppendTrial(nil, &got); !bytes.Equal(again, line) {
			t.Fatalf("%s becomes %s", line, again)
		}
		if !reflect.DeepEqual(got.Objectives, want.Objectives) && len(want.Objectives) > 0 ||
			got.Failed != want.Failed || got.Violation != want.Violation || got.Continues != want.Continues {
			t.Fatalf("%+v becomes %+v", want, got)
		}
		// Other orders and white space mean the same.
		var generic map[string]json.RawMessage
		if err := json.Unmarshal(line, &generic); err != nil {
			t.Fatal(err)
		}
		shuffled, err := json.MarshalIndent(generic, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		other, err := ParseTrial(shuffled)
		if err != nil || !bytes.Equal(AppendTrial(nil, &other), line) {
			t.Fatalf("%s: %+v, %v", shuffled, other, err)
		}
	})
}

// TestEarlierTrials: the lines that a run with rungs wrote are read, and written as they were.
func TestEarlierTrials(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "formats", "trained", "trials.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	trials := map[int]search.Trial{}
	for line := range bytes.Lines(data) {
		x, err := ParseTrial(line)
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendTrial(nil, &x); !bytes.Equal(again, line) {
			t.Errorf("%s becomes %s", line, again)
		}
		trials[x.ID] = x
	}
	stopped, on := trials[12], trials[16]
	if !stopped.Stopped || !slices.Equal(stopped.Rungs, []float64{47}) || stopped.Continues != 0 {
		t.Errorf("a trial that was stopped: %+v", stopped)
	}
	if on.Stopped || on.ArchID != stopped.ArchID || on.Continues != 1 || !slices.Equal(on.Parents, []int{12}) ||
		!slices.Equal(on.Rungs, []float64{47, 50, 59}) || on.Objectives["accuracy"] != 59 {
		t.Errorf("the trial that goes on: %+v", on)
	}
}

func TestParseErrors(t *testing.T) {
	for line, want := range map[string]string{
		``:                                 `the line ends where '{' is wanted`,
		`{}`:                               "missing",
		`{"id":1,"arch_id":"","genes":[]}`: "missing",
		`{"id":1,"id":1}`:                  `key "id" occurs twice`,
		`{"speed":1}`:                      `unknown key "speed"`,
		`{"id":1.5}`:                       `"1.5" stands where an integer is wanted`,
		`{"id":1,"arch_id":"x`:             "a string has no end",
		`{"id":1,"arch_id":"\q"}`:          "a string is broken",
		`{"id":1,"violation":"fast"}`:      `"fast" stands where a number is wanted`,
		`{"id":1,"screened":1}`:            "true or false",
		`{"id":1,"genes":[1 2]}`:           `stands where ']' is wanted`,
		`{"id":1,"parts":{"a":1,"a":2}}`:   `"a" occurs twice`,
		`{"id":1,"arch_id":"","genes":[],"violation":0} {"id":2}`:               "text after the trial",
		`{"id":1,"arch_id":"0123456789ab","arch":"x","genes":[],"violation":0}`: `not that of arch_id "0123456789ab"`,
		"{\"id\":1,\"arch_id\":\"a\x00b\",\"genes\":[]}":                        "a string is broken",
	} {
		if _, err := ParseTrial([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// Whatever is read is written back to something that reads the same, and JSON
// is judged as the standard library judges it.
func FuzzParseTrial(f *testing.F) {
	f.Add([]byte(`{"id":17,"arch_id":"ab","arch":"x","genes":[0,2],"generation":3,"parents":[4],` +
		`"objectives":{"a":1e-9},"parts":{"b":"NaN"},"violation":0,"violations":{"c":"+Inf"},` +
		`"screened":true,"warnings":["\u00e9\n"],"failed":"why"}`))
	f.Add([]byte(`{ "violation" : -0 , "genes":[],"id":0,"arch_id":"\"" }`))
	f.Fuzz(func(t *testing.T, line []byte) {
		trial, err := ParseTrial(line)
		if err != nil {
			return
		}
		out := AppendTrial(nil, &trial)
		again, err := ParseTrial(out)
		if err != nil {
			t.Fatalf("%q is written as %q: %v", line, out, err)
		}
		if !bytes.Equal(AppendTrial(nil, &again), out) {
			t.Fatalf("%q and %q differ", line, out)
		}
	})
}

// A file of arbitrary bytes never does worse than an error with a line number.
func FuzzReadTrials(f *testing.F) {
	one := `{"id":0,"arch_id":"ab","genes":[0],"violation":0}` + "\n"
	two := strings.Replace(one, "0", "1", 1)
	f.Add([]byte(one + two))
	f.Add([]byte(one + two[:20]))
	f.Add([]byte(one + "garbage\n" + two))
	f.Add([]byte(one + "\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, TrialsFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		for x, err := range ReadTrials(dir) {
			if err != nil {
				if !strings.Contains(err.Error(), "line ") {
					t.Fatal(err)
				}
				return
			}
			if x.ID != n {
				t.Fatalf("trial %d in line %d", x.ID, n+1)
			}
			n++
		}
		if whole := bytes.Count(data, []byte{'\n'}); n != whole {
			t.Fatalf("%d of %d whole lines were read", n, whole)
		}
	})
}

func benchTrial() search.Trial {
	return search.Trial{
		ID: 123456, ArchID: "a1415c6fde4f", Arch: strings.Repeat("mbconv_k3_s1_x144_c24_relu6_res ", 24),
		Genes: make([]uint16, 140), Generation: 40, Parents: []int{100000, 100001},
		Result: search.Result{
			Objectives: map[string]float64{"latency": 12.345678901234567, "accuracy": 0.87654321987},
			Parts: map[string]float64{"latency_low_ms": 11.23456789, "latency_high_ms": 13.3456789, "naswot": 1234.56789,
				"depth":  33,
				"params": 3504872, "macs": 300774272, "peak_activation_bytes": 6021120},
		},
	}
}

func BenchmarkAppendTrial(b *testing.B) {
	x := benchTrial()
	var buf []byte
	for b.Loop() {
		buf = AppendTrial(buf[:0], &x)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkParseTrial(b *testing.B) {
	x := benchTrial()
	line := AppendTrial(nil, &x)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTrial(line); err != nil {
			b.Fatal(err)
		}
	}
}
