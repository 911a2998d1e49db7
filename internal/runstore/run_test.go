package runstore

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nas/search"
	"nas/search/searchtest"
)

func create(t testing.TB, dir string) *Run {
	t.Helper()
	r, err := begun(dir, Manifest{Version: "v1", Seed: 3, Status: "running"}, []byte("name = 'x'\n"), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func someTrials(n int) []search.Trial {
	trials := make([]search.Trial, n)
	for i := range trials {
		trials[i] = search.Trial{ID: i, ArchID: fmt.Sprintf("%012x", i), Genes: []uint16{uint16(i)},
			Result: search.Result{Objectives: map[string]float64{"a": 1 / float64(i+1)}}}
	}
	return trials
}

func collect(t *testing.T, r *Run) []search.Trial {
	t.Helper()
	var out []search.Trial
	for x, err := range r.Trials() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

func closeRun(t *testing.T, r *Run) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCreateAppendResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results", "x")
	want := someTrials(10)
	r := create(t, dir)
	for _, batch := range [][]search.Trial{want[:1], want[1:4], want[4:]} {
		if err := r.Append(batch); err != nil {
			t.Fatal(err)
		}
	}
	m := r.Manifest()
	m.Status, m.Started = "evaluations", time.Unix(1e9, 0).UTC()
	m.Objectives = []search.Objective{{Name: "a", Unit: "ms", Direction: search.Maximize}}
	if err := r.SetManifest(m); err != nil {
		t.Fatal(err)
	}
	closeRun(t, r)

	var exists *ExistsError
	before, _ := os.ReadFile(filepath.Join(dir, TrialsFile))
	if _, err := begun(dir, Manifest{}, nil, nil); !errors.As(err, &exists) ||
		!strings.Contains(err.Error(), "--resume") || !strings.Contains(err.Error(), "--out") {
		t.Errorf("creating again gives %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, TrialsFile)); !bytes.Equal(before, after) {
		t.Error("creating again changes the trials")
	}

	r, err := Resume(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Manifest(); !reflect.DeepEqual(got, m) && got.Format != format {
		t.Errorf("the manifest is %+v, want %+v", got, m)
	}
	if got := collect(t, r); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	more := someTrials(11)[10:]
	if err := r.Append(more); err != nil {
		t.Fatal(err)
	}
	closeRun(t, r)
	n := 0
	for x, err := range ReadTrials(dir) {
		if err != nil || x.ID != n {
			t.Fatal(x, err)
		}
		n++
	}
	if n != 11 {
		t.Errorf("%d trials, want 11", n)
	}
	for name, want := range map[string]string{ConfigFile: "name = 'x'\n", ProfileFile: "{}"} {
		if got, err := os.ReadFile(r.Path(name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, ".*-*")); files != nil {
		t.Errorf("temporary files are left: %v", files)
	}
}

func TestResumeMissing(t *testing.T) {
	if _, err := Resume(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("resuming nothing gives %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ManifestFile), []byte(`{"format": 99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(dir); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("a newer format gives %v", err)
	}
}

// Cut anywhere, the file is repaired to its whole lines and the run goes on.
func TestRepair(t *testing.T) {
	dir := t.TempDir()
	r := create(t, dir)
	want := someTrials(3)
	if err := r.Append(want); err != nil {
		t.Fatal(err)
	}
	closeRun(t, r)
	path := filepath.Join(dir, TrialsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tails := [][]byte{whole, append(slices.Clone(whole), 0, 0, 0, 0), append(slices.Clone(whole), `{"id":3,"ar`...)}
	for n := range whole {
		tails = append(tails, whole[:n])
	}
	for _, data := range tails {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Resume(dir)
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(data, []byte{'\n'})
		if got := collect(t, r); len(got) != n || n > 0 && !reflect.DeepEqual(got, want[:n]) {
			t.Fatalf("cut to %d bytes: %d trials, want %d", len(data), len(got), n)
		}
		if n < 3 {
			if err := r.Append(want[n:]); err != nil {
				t.Fatal(err)
			}
		}
		closeRun(t, r)
		if got, _ := os.ReadFile(path); !bytes.Equal(got, whole) {
			t.Fatalf("cut to %d bytes the file does not become whole again", len(data))
		}
	}
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	r := create(t, dir)
	if err := r.Append(someTrials(4)); err != nil {
		t.Fatal(err)
	}
	closeRun(t, r)
	path := filepath.Join(dir, TrialsFile)
	whole, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(whole, []byte{'\n'})
	for _, c := range []struct {
		data []byte
		want string
	}{
		{slices.Concat(lines[0], []byte("{\"id\":1,\n"), lines[2], lines[3]), "trials.jsonl line 2 is damaged"},
		{slices.Concat(lines[0], lines[2], lines[3]),
			"line 2 is damaged (restore it, or cut the file before it to lose it and what follows): holds trial 2 where trial 1 comes next"},
		{slices.Concat(lines[0], lines[1], []byte("\n"), lines[3]), "line 3 is damaged"},
	} {
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Resume(dir)
		if err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range r.Trials() {
			last = err
		}
		closeRun(t, r)
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("%v, want %s", last, c.want)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, c.data) {
			t.Error("a damaged file is changed")
		}
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	r := create(t, dir)
	var locked *lockedError
	if _, err := Resume(dir); !errors.As(err, &locked) {
		t.Errorf("a second process gets %v", err)
	}
	closeRun(t, r)
	again, err := Resume(dir)
	if err != nil {
		t.Fatal(err)
	}
	closeRun(t, again)
}

// A full disk takes nothing that was stored. /dev/full refuses every write.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	dir := t.TempDir()
	r := create(t, dir)
	want := someTrials(6)
	if err := r.Append(want[:3]); err != nil {
		t.Fatal(err)
	}
	real := r.trials
	r.trials = full
	err = r.Append(want[3:])
	if err == nil || !strings.Contains(err.Error(), "trials from 3 on were not stored") ||
		!strings.Contains(err.Error(), "--resume") {
		t.Errorf("a full disk gives %v", err)
	}
	r.trials = real
	closeRun(t, r)
	if r, err = Resume(dir); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := collect(t, r); !reflect.DeepEqual(got, want[:3]) {
		t.Errorf("%v", got)
	}
}

func TestSame(t *testing.T) {
	m := Manifest{Seed: 1, NumericClass: "a", Algorithm: "nsga2(population=4)",
		Objectives: []search.Objective{{Name: "x"}}, Reference: []float64{1}}
	other := m
	if err := m.Same(&other); err != nil {
		t.Error(err)
	}
	other.Seed, other.Reference = 2, []float64{2}
	const want = "seed (was 1, is 2), reference point (was [1], is [2])"
	if err := m.Same(&other); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
}

func TestTables(t *testing.T) {
	dir := t.TempDir()
	trial := search.Trial{ID: 3, ArchID: "ab", Arch: "32x32x3 | x, y", Result: search.Result{
		Objectives: map[string]float64{KeyLatency: 1.5, KeyAccuracy: 0.25},
		Parts: map[string]float64{"latency_ms_low": 1, "latency_ms_high": 2, KeyParams: 5, KeyMACs: 300e6,
			KeyActivations: 7, LatencyKey("b"): 2.5, "latency_ms@b_low": 2, "latency_ms@b_high": 3},
		Warnings: []string{"accuracy: a", "latency: c", "accuracy: b"},
	}}
	device := `nas kernels on "CPU", 1 thread`
	err := WriteFront(dir, FrontFile, []search.Trial{trial}, FieldOf(KeyLatency), device, map[int]float64{3: 0.5},
		func(r *search.Result) float64 { return Number(r, KeyAccuracy) - 0.125 },
		[]Field{FieldOf(LatencyKey("b"))})
	if err != nil {
		t.Fatal(err)
	}
	const want = "id,arch_id,arch,latency_ms,latency_low_ms,latency_high_ms,accuracy,accuracy_low,accuracy_high," +
		"params,macs,peak_activation_bytes,latency_device,p_front,accuracy_expected,accuracy_warnings," +
		"latency_ms@b,latency_ms@b_low,latency_ms@b_high\n" +
		"3,ab,\"32x32x3 | x, y\",1.5,1,2,0.25,,,5,300000000,7," +
		"\"nas kernels on \"\"CPU\"\", 1 thread\",0.5,0.125,a; b,2.5,2,3\n"
	if got, err := os.ReadFile(filepath.Join(dir, FrontFile)); err != nil || string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	measured := []MeasuredRow{{ID: 3, Device: "here", Threads: 1, PredictedMs: 1.5, LowMs: 1, HighMs: 2,
		MeasuredMs: 1.6, P10Ms: 1.5, P90Ms: 1.75, Runs: 30}}
	if err := WriteMeasured(dir, measured); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadMeasured(dir); err != nil || !slices.Equal(got, measured) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ReadMeasured(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	bad := strings.Join(measuredColumns, ",") + "\nx,a,1,1,1,1,1,1,1,1\n"
	if err := os.WriteFile(filepath.Join(dir, MeasuredFile), []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadMeasured(dir); err == nil || !strings.Contains(err.Error(), `line 2, column 1: id "x"`) {
		t.Error(err)
	}
}

// killTrials makes a run long enough that kills hit it.
const killTrials = 4000

var kills = flag.Int("kills", 12, "kills of TestKill")

func TestMain(m *testing.M) {
	if dir := os.Getenv("RUNSTORE_KILL_DIR"); dir != "" {
		workers, _ := strconv.Atoi(os.Getenv("RUNSTORE_KILL_WORKERS"))
		if err := searchInto(dir, workers); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// searchInto starts or resumes a run in dir and finishes it.
func searchInto(dir string, workers int) error {
	p := &searchtest.Toy{Genes: 9, Choices: 4, MaxCost: 150, FailEvery: 13}
	r, err := Resume(dir)
	if errors.Is(err, os.ErrNotExist) {
		r, err = begun(dir, Manifest{Seed: 1}, []byte("x"), nil)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := search.New("nsga2", search.Settings{
		Setup: search.Setup{Space: p, Objectives: p.Objectives(), Seed: 1}, Population: 64,
	})
	if err != nil {
		return err
	}
	slow := search.EvaluatorFunc(func(ctx context.Context, c search.Candidate) (search.Result, error) {
		for begin := time.Now(); time.Since(begin) < 100*time.Microsecond; {
		}
		return p.Evaluate(ctx, c)
	})
	_, err = search.Run(context.Background(), s, slow, r, p.Objectives(),
		search.Options{Workers: workers, Stop: search.Stop{Trials: killTrials}, Replay: r.Trials()})
	return err
}

// A process killed at any instant, again and again, with any number of workers,
// leaves a run that ends with the bytes of one that was left alone.
func TestKill(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGKILL")
	}
	alone := filepath.Join(t.TempDir(), "alone")
	if err := searchInto(alone, 1); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(alone, TrialsFile))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	killed, within := 0, 0
	for killed < *kills {
		dir := filepath.Join(t.TempDir(), "run")
		complete := false // killed after the last trial: another kill would tell nothing
		for workers := 1; ; workers++ {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "RUNSTORE_KILL_DIR="+dir, fmt.Sprintf("RUNSTORE_KILL_WORKERS=%d", 1+workers%4))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			if killed < *kills && !complete {
				// An instant in the run is a length that the file has reached, and
				// a little later; now and then it is before there is a file.
				target := r.Int64N(int64(len(want)))
				if killed%8 == 7 {
					target = 0
				}
				for size := int64(-1); size < target && len(ended) == 0; time.Sleep(200 * time.Microsecond) {
					if info, err := os.Stat(filepath.Join(dir, TrialsFile)); err == nil {
						size = info.Size()
					} else if target == 0 {
						break
					}
				}
				time.Sleep(time.Duration(r.Int64N(int64(2 * time.Millisecond))))
				cmd.Process.Kill()
			}
			err := <-ended
			if err == nil {
				break
			}
			if cmd.ProcessState.Exited() {
				t.Fatalf("%v: %s", err, &stderr)
			}
			killed++
			got, err := os.ReadFile(filepath.Join(dir, TrialsFile))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if n := bytes.LastIndexByte(got, '\n') + 1; n > 0 && n < len(want) {
				within++
			}
			complete = len(got) == len(want)
			if !bytes.HasPrefix(want, got) {
				t.Fatalf("after a kill %d bytes are no prefix", len(got))
			}
		}
		if got, err := os.ReadFile(filepath.Join(dir, TrialsFile)); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("after kills the trials differ: %v", err)
		}
	}
	t.Logf("%d kills, %d of them between the first and the last trial", killed, within)
	if 4*within < killed {
		t.Errorf("only %d of %d kills hit the trials", within, killed)
	}
}

var resumeTrials = flag.Int("resume-trials", 20_000, "trials of BenchmarkResume")

// BenchmarkResume reads and replays a run of so many trials.
func BenchmarkResume(b *testing.B) {
	n := *resumeTrials
	dir := b.TempDir()
	r := create(b, dir)
	defer r.Close()
	p := searchtest.ZDT(1)
	searcher := func() search.Searcher {
		s, err := search.NewNSGA2(search.Setup{Space: p, Objectives: p.Objectives(), Seed: 1},
			search.NSGA2Settings{Population: 100})
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	if _, err := search.Run(context.Background(), searcher(), p, r, p.Objectives(),
		search.Options{Stop: search.Stop{Trials: n}}); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			for _, err := range r.Trials() {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/trial")
	})
	b.Run("replay", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for b.Loop() {
			s := searcher()
			if _, err := search.Run(context.Background(), s, p, nil, p.Objectives(),
				search.Options{Stop: search.Stop{Trials: n}, Replay: r.Trials()}); err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(s)
		}
		b.ReportMetric(float64(after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))/1e6, "MB-kept")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/trial")
	})
}

// begun makes a new run.
func begun(dir string, m Manifest, config, profile []byte) (*Run, error) {
	r, err := Claim(dir)
	if err == nil {
		err = r.Begin(m, config, profile)
	}
	return r, err
}

// A directory is a run's from the moment that it is claimed; one that was not begun is gone.
func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, err := Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	var locked *lockedError
	if _, err := Claim(dir); !errors.As(err, &locked) {
		t.Errorf("a second claim: %v", err)
	}
	first.Close()
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an abandoned claim leaves its directory: %v", err)
	}
	if first, err = begun(dir, Manifest{}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(dir); !errors.As(err, &locked) {
		t.Errorf("a claim of a run in progress: %v", err)
	}
	first.Close()
	var exists *ExistsError
	if _, err := Claim(dir); !errors.As(err, &exists) {
		t.Errorf("a claim of a run that ended: %v", err)
	}
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if Writable("-") == nil || Writable("a\nb") == nil {
		t.Error("standard output, or a name of two lines, is a directory")
	}
	for name, want := range map[string]string{
		"": "", "new": "", "new/er": "", "file": "is a file", "file/a/b": "is a file", "link": "link that leads nowhere",
		"link/a": "link that leads nowhere", strings.Repeat("x", 5000): "name too long",
	} {
		err := Writable(filepath.Join(dir, name))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.20q: %v, want %q", name, err, want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

// A run never replaces files that are of no run, nor trials whose manifest is gone. What a crash left before the first
// trial is replaced.
func TestWritableSparesForeignFiles(t *testing.T) {
	for _, c := range []struct{ files, want string }{
		{"", ""}, {"notes.txt", ""}, {"config.toml", "would replace the config.toml"}, {"told.csv", "would replace the told.csv"},
		{".lock config.toml profile.json", ""}, {".lock config.toml trials.jsonl", "no manifest.json"},
		{"manifest.json config.toml trials.jsonl", ""},
	} {
		dir := t.TempDir()
		for _, name := range strings.Fields(c.files) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		err := Writable(dir)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("beside %q: %v, want %q", c.files, err, c.want)
		}
	}
}

// A run that could not begin, on a full disk for instance, leaves nothing behind that stops the next one.
func TestUnbegunRunLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	r, err := Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ConfigFile, ScaleFile} {
		if err := os.WriteFile(r.Path(name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := Writable(dir); err != nil {
		t.Error(err)
	}
}
