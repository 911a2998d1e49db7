package evaluator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nas/accuracy"
	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/internal/profiles"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/search"
)

// setupOf makes the models of a small config, with further sections, on the profile of the smoke run.
func setupOf(t *testing.T, sections string) *Setup {
	t.Helper()
	s, err := trySetup(t, sections)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func trySetup(t *testing.T, sections string) (*Setup, error) {
	t.Helper()
	c, err := config.Decode("test.toml", []byte(`[space]
input = [96, 96, 3]
classes = 1000
[[space.stage]]
channels = [8, 16]
stride = 2
kernel = [3, 5]
`+sections), Check)
	if err != nil {
		t.Fatal(err)
	}
	c.Latency.Profile = config.Named[string]{"": "../../results/reference/smoke/profile.json"}
	c.AcceptProfiles()
	return New(t.Context(), c, work.Options{}, nil)
}

// TestRefused: a space of which the estimate refuses every network is wrong use; of one of which it
// refuses some the others have scores.
func TestRefused(t *testing.T) {
	const imagenet = "\n[accuracy]\nproxy = \"imagenet\"\n"
	_, err := trySetup(t, "depth = 5\nactivation = 'identity'"+imagenet)
	var usage *config.UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "none of 256 networks") ||
		!strings.Contains(err.Error(), "linear") {
		t.Errorf("a linear space: %v", err)
	}
	s := setupOf(t, "depth = [2, 8]"+imagenet)
	scores, err := s.Scores(t.Context(), s.Sample)
	refused := 0
	for _, v := range scores {
		if math.IsNaN(v) {
			refused++
		}
	}
	if err != nil || refused == 0 || refused == len(scores) || math.IsNaN(s.Worst[1]) || s.Worst[1] < 1 {
		t.Errorf("%d of %d refused, worst %v, %v", refused, len(scores), s.Worst, err)
	}
}

func TestObjectivesOf(t *testing.T) {
	two := config.Named[string]{"board": "b.json", "phone": "p.json"}
	for _, c := range []struct {
		names    []string
		profiles config.Named[string]
		want     []string // keys; of an error, its text
	}{
		{[]string{"latency", "accuracy"}, config.Named[string]{"": "auto"}, []string{"latency_ms", "accuracy"}},
		{[]string{"latency@phone", "macs", "weight_bytes"}, two, []string{"latency_ms@phone", "macs", "weight_bytes"}},
		{[]string{"activation_bytes", "params"}, two, []string{"peak_activation_bytes", "params"}},
		{[]string{"latency"}, two, []string{"say whose latency is meant, such as latency@board"}},
	} {
		cfg := &config.Config{Search: config.Search{Objectives: c.names}, Latency: config.Latency{Profile: c.profiles}}
		os, err := objectivesOf(cfg)
		if err != nil {
			if !strings.Contains(err.Error(), c.want[0]) {
				t.Errorf("%v: %v, want %q", c.names, err, c.want[0])
			}
			continue
		}
		var keys []string
		for _, o := range os {
			keys = append(keys, o.Name)
			if (o.Direction == search.Maximize) != (o.Name == "accuracy") || (o.Unit == "ms") != runstore.IsLatency(o.Name) {
				t.Errorf("%v: objective %+v", c.names, o)
			}
		}
		if !slices.Equal(keys, c.want) {
			t.Errorf("%v gives %v, want %v", c.names, keys, c.want)
		}
	}
}

// TestWorst: the reference point is the worst of the sample in each objective, bytes included.
func TestWorst(t *testing.T) {
	s := setupOf(t, `[accuracy]
proxy = "depth"
[search]
objectives = ["latency", "accuracy", "activation_bytes"]
`)
	ms, depth, bytes := math.Inf(-1), math.Inf(1), 0.0
	for _, n := range s.Sample {
		r, err := s.Judge(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		ms = max(ms, r.Objectives[runstore.KeyLatency])
		depth = min(depth, r.Objectives[runstore.KeyAccuracy])
		bytes = max(bytes, r.Objectives[runstore.KeyActivations])
	}
	if want := []float64{ms, depth, bytes}; !slices.Equal(s.Worst, want) || bytes == 0 {
		t.Errorf("reference point %v, want %v", s.Worst, want)
	}
}

// TestConstrained: limits in numbers and in terms of a network become bounds; a network that breaks one that
// needs no score is not scored; without limits every value is computed.
func TestConstrained(t *testing.T) {
	s := setupOf(t, `depth = 6
[accuracy]
proxy = "imagenet"
[constraints]
max_latency = "0.5 mobilenet_v2@width=0.35,res=96"
max_params = 1000000
min_top1_pct = 1
`)
	net, err := zoo.Get("mobilenet_v2@width=0.35,res=96")
	if err != nil {
		t.Fatal(err)
	}
	unlimited, err := s.Judge(t.Context(), net)
	if err != nil {
		t.Fatal(err)
	}
	limited, err := s.Constrained(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ms := unlimited.Objectives[runstore.KeyLatency]
	want := []runstore.Limit{
		{Name: "max_latency", Key: "latency_ms", Bound: 0.5 * ms, Text: "0.5 mobilenet_v2@width=0.35,res=96"},
		{Name: "max_params", Key: "params", Bound: 1e6, Text: "1000000"},
		{Name: "min_top1_pct", Key: "accuracy", Bound: 1, AtLeast: true, Text: "1"},
	}
	if !reflect.DeepEqual(limited.Limits, want) {
		t.Errorf("limits %+v, want %+v", limited.Limits, want)
	}
	r, err := limited.Judge(t.Context(), net)
	if err != nil {
		t.Fatal(err)
	}
	_, scored := r.Objectives[runstore.KeyAccuracy]
	params := unlimited.Parts[runstore.KeyParams]
	if want := map[string]float64{"max_latency": 1, "max_params": params/1e6 - 1}; !r.Screened || scored ||
		math.Abs(r.Violations["max_latency"]-1) > 1e-12 || math.Abs(r.Violations["max_params"]-want["max_params"]) > 1e-12 {
		t.Errorf("screened %v, scored %v, violations %v, want %v", r.Screened, scored, r.Violations, want)
	}
	if again, err := limited.Unlimited().Judge(t.Context(), net); err != nil || !reflect.DeepEqual(again, unlimited) {
		t.Errorf("without limits %+v, %v, want %+v", again, err, unlimited)
	}
}

// TestConstraintsOf: a latency bounds the device that it names, or each device.
func TestConstraintsOf(t *testing.T) {
	devices := []*profiles.Device{}
	for _, name := range []string{"board", "phone"} {
		devices = append(devices, &profiles.Device{Name: name, Latency: runstore.FieldOf(runstore.LatencyKey(name))})
	}
	for _, c := range []struct {
		limits config.Named[config.Limit]
		want   []string
	}{
		{config.Named[config.Limit]{"": {Value: 9}}, []string{"max_latency@board latency_ms@board 9",
			"max_latency@phone latency_ms@phone 9"}},
		{config.Named[config.Limit]{"phone": {Value: 7}}, []string{"max_latency@phone latency_ms@phone 7"}},
		{nil, nil},
	} {
		var got []string
		for _, r := range constraintsOf(&config.Constraints{MaxLatency: c.limits}, devices) {
			if r.limit != nil {
				got = append(got, strings.Join([]string{r.name, r.key, r.limit.String()}, " "))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v gives %q, want %q", c.limits, got, c.want)
		}
	}
}

// TestRecalled: a result with a score that was taken from an earlier trial is to the bit the one that was
// computed.
func TestRecalled(t *testing.T) {
	for _, proxy := range []string{"rankmean(depth,params)", "imagenet"} {
		s := setupOf(t, "depth = 5\n[accuracy]\nproxy = \""+proxy+"\"\n")
		recalling := s.Unlimited()
		recalling.Recalled = new(Recalled)
		var computed []search.Result
		for i, n := range s.Sample[:8] {
			x, err := s.Judge(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			computed = append(computed, x)
			recalling.Recalled.Add(&search.Trial{ArchID: string(rune('a' + i)), Result: x})
		}
		recalling.Recalled.Add(&search.Trial{ArchID: "screened", Result: search.Result{Screened: true,
			Parts: computed[0].Parts}})
		recalling.Recalled.Add(&search.Trial{ArchID: "failed", Result: search.Result{Failed: "no",
			Objectives: computed[0].Objectives}})
		for i, n := range s.Sample[:8] {
			x, err := recalling.judgeLowered(t.Context(), wholeNetwork{n}, string(rune('a'+i)))
			if err != nil || !reflect.DeepEqual(x, computed[i]) {
				t.Errorf("%s: network %d: recalled %+v, %v, computed %+v", proxy, i, x, err, computed[i])
			}
		}
		for _, id := range []string{"screened", "failed", "never seen"} {
			if _, ok := recalling.Recalled.take(id); ok {
				t.Errorf("%s: %s has a score", proxy, id)
			}
		}
		if n := recalling.Recalled.Used(); n != 8 {
			t.Errorf("%s: %d scores were used, want 8", proxy, n)
		}
	}
}

// TestReferences: the networks of the literature are judged at the input of the space, whatever the limits.
func TestReferences(t *testing.T) {
	s := setupOf(t, "[accuracy]\nproxy = \"depth\"\n[constraints]\nmax_params = 10\n")
	limited, err := s.Constrained(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rs, err := limited.References(t.Context(), s.Config)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range profiles.Families {
		n += len(f.Widths)
	}
	if len(rs) != n {
		t.Errorf("%d references, want %d", len(rs), n)
	}
	for _, r := range rs {
		if !strings.Contains(r.Spec, "res=96x96,classes=1000") || r.Values[runstore.KeyAccuracy] == 0 ||
			r.Values[runstore.KeyLatency] == 0 {
			t.Errorf("reference %+v", r)
		}
	}
	s.Config.Space.Head.Kind = "lraspp"
	if rs, err := limited.References(t.Context(), s.Config); len(rs) > 0 || err != nil {
		t.Errorf("a segmentation network is held against %d classifiers (%v)", len(rs), err)
	}
}

// outOfMemory is an estimator that cannot score any network.
type outOfMemory struct{ accuracy.Estimator }

func (outOfMemory) Estimate(context.Context, *blocks.Network) (accuracy.Score, error) {
	return accuracy.Score{}, errors.New("out of memory")
}

// TestJudgeFails: a network that cannot be scored gives an error, and the values that need no score.
func TestJudgeFails(t *testing.T) {
	s := setupOf(t, "[accuracy]\nproxy = \"depth\"\n")
	s.Accuracy = outOfMemory{s.Accuracy}
	for _, n := range s.Sample[:2] {
		r, err := s.Judge(t.Context(), n)
		if err == nil || err.Error() != "out of memory" {
			t.Errorf("error is %v", err)
		}
		if _, scored := r.Objectives[runstore.KeyAccuracy]; scored || r.Objectives[runstore.KeyLatency] == 0 {
			t.Errorf("objectives are %v", r.Objectives)
		}
	}
}

// TestNamesOfOtherThings: the name of a profile in place of a device, and one that is nearly right.
func TestNamesOfOtherThings(t *testing.T) {
	for line, want := range map[string]string{
		`device = "pixel4"`:                 `latency.device = "pixel4": that is a profile: want profile = "pixel4", and no device`,
		`device = "cpu"`:                    `latency.device = "cpu": did you mean "native"?`,
		`profile = "pixel"`:                 `latency.profile = "pixel": did you mean "pixel4"?`,
		`profile = "."`:                     "is a directory: want a file",
		"[constraints]\nruntime = \"tflm\"": `test.toml:8: constraints.runtime = "tflm": want bytes_per_value = 1 with it, not 4`,
		`profile = "data.go"`:               "is not a latency profile",
	} {
		line = strings.Replace(line, "data.go", "setup_test.go", 1)
		_, err := config.Decode("test.toml", []byte("[space]\ninput = [32, 32, 3]\nclasses = 10\n[[space.stage]]\n"+
			"channels = 8\n[latency]\n"+line+"\n"), Check)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %s", line, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "--out setup_test.go") {
			t.Errorf("%s: it advises to overwrite a file that is no profile: %v", line, err)
		}
	}
}

// TestTrainingIsTriedFirst: a recipe whose setup fails is told before a calibration, unless workers train.
func TestTrainingIsTriedFirst(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	recipe := filepath.Join(t.TempDir(), "train.toml")
	text := "name = 'x'\nunit = 'pct'\nsetup = [['sh', '-c', 'echo no torch; exit 3']]\ncommand = ['true']\n" +
		"pattern = '(?P<accuracy>.)'\nrungs = [1]\n"
	if err := os.WriteFile(recipe, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Decode("test.toml", fmt.Appendf(nil, "[space]\ninput = [32, 32, 3]\nclasses = 10\n[[space.stage]]\n"+
		"channels = 8\n[latency]\nbudget = \"1s\"\n[accuracy]\nevaluator = %q\n", recipe), Check)
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	_, err = New(t.Context(), c, work.Options{Say: func(string) { said++ }}, nil)
	if err == nil || !strings.Contains(err.Error(), "no torch") || said > 0 {
		t.Errorf("%d lines were said before the error %v", said, err)
	}
	c.Latency.Profile = config.Named[string]{"": "../../results/reference/smoke/profile.json"}
	c.AcceptProfiles()
	if _, err := New(t.Context(), c, work.Options{Elsewhere: true}, nil); err != nil {
		t.Errorf("a setup that others need: %v", err)
	}
}

// TestSlips: what is allowed and hardly meant is warned of, with its line.
func TestSlips(t *testing.T) {
	for text, want := range map[string]string{
		"classes = 1000\n[accuracy]\nproxy = \"imagenet\"\n[constraints]\nmin_top1_pct = 0.72": "constraints.min_top1_pct = 0.72: " +
			"that is 0.72 per cent: did you mean 72?",
		"classes = 1000\n[accuracy]\nproxy = \"imagenet\"\n[constraints]\nmin_top1_pct = 172": "test.toml:8: " +
			"constraints.min_top1_pct = 172: want a percentage from 0 to 100",
		"classes = 10\n[latency]\ndtype = \"int8\"\nprofile = \"pixel4\"":                       `latency.dtype = "int8": the profile pixel4 is of float32`,
		"classes = 1\n[space.stem]\nchannels = 8\nstride = 4\n[space.head]\nkind = \"ssdlite\"": "count the background",
	} {
		c, err := config.Decode("test.toml", []byte("[space]\ninput = [128, 128, 3]\n"+
			"stage = [{channels = [8, 16], stride = 2}, {channels = 16, stride = 2}]\n"+text+"\n"), Check)
		said := fmt.Sprint(err)
		if err == nil {
			said = fmt.Sprint(c.Warnings())
		}
		if !strings.Contains(said, want) {
			t.Errorf("%s: warned of %s, want %s", text, said, want)
		}
	}
}
