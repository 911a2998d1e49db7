package training

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"nas/accuracy/evaluators"
	"nas/blocks"
)

func network(t *testing.T) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder("tiny", blocks.Shape{H: 8, W: 8, C: 1})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU}.Build(b, b.Input())
	x = b.Apply("pool", &blocks.GlobalPool{}, x)
	b.Apply("classifier", &blocks.Linear{Out: 10, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// good is a recipe whose command is a shell script.
func good(script string) Spec {
	return Spec{Name: "test", Unit: "pct", Command: []string{"sh", "-c", script}, Rungs: []int{1, 3}, TimeoutS: 20,
		Pattern: `(?:epoch (?P<epoch>\d+) )?(?:loss (?P<loss>\S+) )?(?:params (?P<params>\d+)|accuracy (?P<accuracy>\S+))`}
}

func recipe(t *testing.T, s Spec) *Recipe {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	r, err := New(s, fstest.MapFS{"train.sh": {Data: []byte("echo accuracy 50\n")}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTrain(t *testing.T) {
	n := network(t)
	s := good("sh train.sh; ls; echo params 178; echo epoch 3 loss 0.5 accuracy 61.5 >&2; " +
		"echo {epochs} {from} {seed} {size} {classes} > args; " +
		"echo $OMP_NUM_THREADS $SECRET $SHOWN > env")
	s.Files, s.Env = []string{"train.sh"}, []string{"SHOWN"}
	t.Setenv("SECRET", "secret")
	t.Setenv("SHOWN", "shown")
	r := recipe(t, s)
	var seen []Report
	dir := filepath.Join(t.TempDir(), "trial")
	j := Job{Network: n, ArchID: "0123456789ab", Rung: 1, Seed: 7, Dir: dir}
	j.Report = func(x Report) { seen = append(seen, x) }
	out, err := r.Train(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	last := Report{Epoch: 3, Accuracy: 61.5, Loss: 0.5}
	if out.Accuracy != 61.5 || len(out.Curve) != 2 || out.Curve[1] != last || len(seen) != 2 || out.Seconds <= 0 {
		t.Errorf("%+v, seen %v", out, seen)
	}
	for _, name := range []string{"net.py", "net.safetensors", "net.onnx", "arch.json", "train.sh"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	args := func() string { b, _ := os.ReadFile(filepath.Join(dir, "args")); return string(b) }
	if got := args(); got != "3 0 7 8 10\n" {
		t.Errorf("the command got %q in a new folder", got)
	}
	if env, _ := os.ReadFile(filepath.Join(dir, "env")); !strings.HasSuffix(string(env), " shown\n") ||
		strings.Contains(string(env), "secret") {
		t.Errorf("environment %q", env)
	}
	os.WriteFile(filepath.Join(dir, "checkpoint"), nil, 0o644)
	if _, err := r.Train(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if got := args(); got != "3 1 7 8 10\n" {
		t.Errorf("the command got %q in the folder of an earlier rung", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err != nil {
		t.Error("the checkpoint is gone")
	}
	j.Seed = 8
	if _, err := r.Train(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err == nil {
		t.Error("a folder of another seed was used again")
	}
}

// Whatever a command does wrong: one clear sentence and what it printed, within its time.
func TestBrokenCommands(t *testing.T) {
	n := network(t)
	for _, c := range []struct{ script, want string }{
		{"true", "the command ended well, and no line matched pattern"},
		{"true", "it printed nothing"},
		{"echo accurcy 50", "no line matched pattern"},
		{"echo accurcy 50", "its last line:\n  accurcy 50"},
		{"echo accuracy nan; sleep 60", "the accuracy is NaN"},
		{"echo loss nan accuracy 50; sleep 60", "the loss is NaN"},
		{"echo accuracy 0.93; sleep 60", "less than 1 %: if the command prints a fraction"},
		{"echo accuracy 930", "goes from 0 to 100"},
		{"echo accuracy x", `accuracy is "x"`},
		{"echo epoch 2 accuracy 50", "ended after epoch 2, and the rung is of 1"},
		{"echo params 99", "it trains a network of 99 parameters, and net.py has 178"},
		{"echo boom >&2; exit 1", "sh: exit status 1; its last line:\n  boom"},
		{"kill -9 $$", "signal: killed"},
		{"sleep 60", "took longer than timeout_s = 1"},
		{"trap '' TERM; while :; do sleep 60; done", "took longer than timeout_s = 1"},
		{"yes | head -c 1000000000", "wrote more than"},
		{"sleep 600 & setsid sleep 600 & exit 1", "exit status 1"},
		{"echo 12 > /dev/full", "exit status"},
		{"seq 1 100; exit 1", "its last 20 lines:\n  81\n"},
	} {
		s := good(c.script)
		s.TimeoutS = 1
		if strings.HasPrefix(c.script, "yes") || strings.Contains(c.script, "setsid") {
			s.TimeoutS = 60
		}
		began := time.Now()
		_, err := recipe(t, s).Train(t.Context(), Job{Network: n, ArchID: "x", Dir: filepath.Join(t.TempDir(), "d")})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %q", c.script, err, c.want)
		}
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("%s: %v", c.script, took)
		}
	}
}

func TestRetriesAndCancel(t *testing.T) {
	n := network(t)
	s := good("echo x >> tries; test $(wc -l < tries) -ge 3 && echo accuracy 50")
	s.Retries = 2
	job := func() Job { return Job{Network: n, Dir: filepath.Join(t.TempDir(), "d")} }
	if out, err := recipe(t, s).Train(t.Context(), job()); err != nil || out.Accuracy != 50 {
		t.Errorf("%v, %v", out, err)
	}
	s.Retries = 1
	if _, err := recipe(t, s).Train(t.Context(), job()); err == nil || !strings.HasPrefix(err.Error(), "2 attempts: ") {
		t.Error(err)
	}
	s = good("test -f again || { touch again; kill -9 $$; }; echo accuracy 50")
	if out, err := recipe(t, s).Train(t.Context(), job()); err != nil || out.Accuracy != 50 {
		t.Errorf("a command that was killed was not started again: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	time.AfterFunc(200*time.Millisecond, func() { cancel(cause) })
	if _, err := recipe(t, good("sleep 60")).Train(ctx, job()); err != cause {
		t.Error(err)
	}
}

func TestResultFile(t *testing.T) {
	n := network(t)
	for script, want := range map[string]string{
		`echo '{"accuracy": 71.5, "epoch": 1, "params": 178}' > r.json`: "",
		`echo '{"accuracy": 71.5, "epoch": 7}' > r.json`:                "ended after epoch 7",
		`echo '{"acc": 71.5}' > r.json`:                                 "has no key accuracy",
		`echo '{"accuracy": NaN}' > r.json`:                             "invalid character",
		`echo '{"accuracy": 71.5, "params": 9}' > r.json`:               "a network of 9 parameters",
		`true`: `wrote no result = "r.json"`,
	} {
		s := good(script)
		s.Pattern, s.Result = "", "r.json"
		out, err := recipe(t, s).Train(t.Context(), Job{Network: n, Dir: filepath.Join(t.TempDir(), "d")})
		if want == "" && (err != nil || out.Accuracy != 71.5) ||
			want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, %v, want %q", script, out, err, want)
		}
	}
}

func TestChecks(t *testing.T) {
	none := -1.0
	for want, change := range map[string]func(*Spec){
		"name: is missing":                func(s *Spec) { s.Name = "" },
		"goal: \"best\", want max or min": func(s *Spec) { s.Goal = "best" },
		"worst: is missing":               func(s *Spec) { s.Unit = "mIoU" },
		"rungs: is missing":               func(s *Spec) { s.Rungs = nil },
		"rungs: [3 3]":                    func(s *Spec) { s.Rungs = []int{3, 3} },
		"rungs: [0]":                      func(s *Spec) { s.Rungs = []int{0} },
		"eta: 1, want 2":                  func(s *Spec) { s.Eta = 1 },
		"timeout_s: -1":                   func(s *Spec) { s.TimeoutS = -1 },
		"retries: 21":                     func(s *Spec) { s.Retries = 21 },
		"sd: -1":                          func(s *Spec) { s.SD = none },
		"pattern: is missing":             func(s *Spec) { s.Pattern = "" },
		"has no group (?P<accuracy>":      func(s *Spec) { s.Pattern = "x" },
		"there is no group \"acc\"":       func(s *Spec) { s.Pattern = "(?P<accuracy>.)(?P<acc>.)" },
		`pattern: "(" is no regular expression: missing closing )`: func(s *Spec) { s.Pattern = "(" },
		"result: \"r.json\" stands beside":                         func(s *Spec) { s.Result = "r.json" },
		"weights: \"../w.safetensors\"":                            func(s *Spec) { s.Weights = "../w.safetensors" },
		"weights: \"w.pt\", want a .safetens":                      func(s *Spec) { s.Weights = "w.pt" },
		"command: is empty":                                        func(s *Spec) { s.Command = nil },
		"{epoch} stands for nothing":                               func(s *Spec) { s.Command = []string{"x", "{epoch}"} },
		"setup: {dir} stands for nothing":                          func(s *Spec) { s.Setup = [][]string{{"x", "{dir}"}} },
		"has no folder":                                            func(s *Spec) { s.Command = []string{"{recipe}/x"} },
		"env: \"A=B\"":                                             func(s *Spec) { s.Env = []string{"A=B"} },
		"files: open nothing":                                      func(s *Spec) { s.Files = []string{"nothing"} },
		"keep: \"some\"":                                           func(s *Spec) { s.Keep = "some" },
	} {
		s := good("true")
		change(&s)
		if _, err := New(s, fstest.MapFS{}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestHash(t *testing.T) {
	hash := func(text string, change func(*Spec)) string {
		s := good("true")
		s.Files = []string{"a"}
		change(&s)
		r, err := New(s, fstest.MapFS{"a": {Data: []byte(text)}}, "")
		if err != nil {
			t.Fatal(err)
		}
		return r.Hash()
	}
	same := func(*Spec) {}
	want := hash("x", same)
	if len(want) != 16 || hash("x", func(s *Spec) { s.Slots, s.TimeoutS, s.Label = Slots{"", ""}, 7, "y" }) != want {
		t.Error("the hash depends on what values do not")
	}
	if hash("y", same) == want || hash("x", func(s *Spec) { s.Command = append(s.Command, "z") }) == want {
		t.Error("the hash does not depend on what values do")
	}
}

func TestLoad(t *testing.T) {
	for _, name := range evaluators.Names() {
		if _, err := Load(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load("nothing.toml"); err == nil || !strings.Contains(err.Error(), "want a file, or one of builtin") {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "train.toml")
	for text, want := range map[string]string{
		"":                              "the file is empty",
		"name = 3":                      "want a recipe",
		"nme = \"x\"":                   "line 1: unknown key nme",
		"name = \"x\"\nslots = 0":       "0 slots",
		"name = \"x\"\nslots = [\"\"]":  "want different names",
		"name = \"x\"\nslots = \"two\"": "want a number, or names",
	} {
		os.WriteFile(path, []byte(text), 0o644)
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestWeights(t *testing.T) {
	n := network(t)
	s := good("cp net.safetensors trained.safetensors; echo accuracy 50")
	s.Weights = "trained.safetensors"
	r := recipe(t, s)
	dir := filepath.Join(t.TempDir(), "d")
	if _, err := r.Weights(dir, n); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := r.Train(t.Context(), Job{Network: n, Dir: dir, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	data, err := r.Weights(dir, n)
	want, _ := os.ReadFile(filepath.Join(dir, "net.safetensors"))
	if err != nil || len(want) == 0 || !bytes.Equal(data, want) {
		t.Errorf("%d bytes, want %d; %v", len(data), len(want), err)
	}
	if err := os.Truncate(filepath.Join(dir, s.Weights), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Weights(dir, n); err == nil || !strings.Contains(err.Error(), "none that can be used") {
		t.Error(err)
	}
}
