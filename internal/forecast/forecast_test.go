package forecast

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/work"
)

const text = `[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = [24, 32]
stride = 2
depth = [1, 2]
kernel = [3, 5]
dilation = [1, 2]
[latency]
profile = "raspi4-fbnet"
[accuracy]
proxy = "depth"
[constraints]
max_params = "75k"
[search]
evaluations = 20
`

func forecast(t *testing.T, oldnew ...string) (*Forecast, error) {
	t.Helper()
	c, err := config.Decode("test.toml", []byte(strings.NewReplacer(oldnew...).Replace(text)), evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	return Of(t.Context(), c, work.Options{})
}

func TestScores(t *testing.T) {
	f, err := forecast(t)
	if err != nil {
		t.Fatal(err)
	}
	if f.Evaluations != 20 || f.Training != nil || f.ScoreMs <= 0 || len(f.Limits) != 1 ||
		f.HoldPct <= 0 || f.HoldPct >= 100 || f.HoldPct != f.Limits[0].HoldPct {
		t.Errorf("%+v", f)
	}
	if strings.Join(f.Blind, " ") != "kernel dilation" { // depth counts convolutions
		t.Errorf("blind to %v", f.Blind)
	}
	_, err = forecast(t, "75k", "10")
	if err == nil || !strings.Contains(err.Error(), "max_params = 10 (10) is held by 0 %") {
		t.Error(err)
	}
}

func TestTrainings(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	path := filepath.Join(t.TempDir(), "train.toml")
	recipe := func(script string) string {
		toml := fmt.Sprintf(`name = "test"
unit = "pct"
command = ["sh", "-c", '%s']
pattern = 'accuracy (?P<accuracy>\S+)'
rungs = [2, 6]
slots = 2
`, script)
		if err := os.WriteFile(path, []byte(toml), 0o644); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("evaluator = %q", path)
	}
	f, err := forecast(t, `proxy = "depth"`, recipe("sleep 0.{epochs}; echo accuracy 5{epochs}"))
	if err != nil {
		t.Fatal(err)
	}
	x := f.Training
	if x.Accuracy != 51 || x.SmallestS < 0.1 || x.MedianS < 0.2 || x.Slots != 2 || len(x.Rungs) != 2 {
		t.Errorf("%+v", x)
	}
	if r := x.Rungs[1]; r.Epochs != 6 || r.SharePct != 100 || !x.AtMost || r.Seconds < x.StartS {
		t.Errorf("%+v", r)
	}
	want := (20*x.Rungs[0].Seconds + 20*x.Rungs[1].Seconds) / 2
	if diff := f.RunS - want; diff > 1e-9 || diff < -1e-9 {
		t.Errorf("%g s, want %g", f.RunS, want)
	}
	s := x.Seeds
	if s == nil || len(s.Accuracy) != 4 || s.Epochs != 6 || s.Of != 6 || s.SD != 0 {
		t.Errorf("a command without a seed: %+v", s)
	}
	f, err = forecast(t, `proxy = "depth"`, recipe("sleep 0.{epochs}; echo accuracy 5{epochs}.{seed}"))
	if err != nil {
		t.Fatal(err)
	}
	if s = f.Training.Seeds; s == nil || math.Abs(s.SD-0.1291) > 1e-3 || math.Abs(s.Apart-0.3003) > 1e-3 {
		t.Errorf("56, 56.1, 56.2 and 56.3: %+v", s)
	}
	_, err = forecast(t, `proxy = "depth"`, recipe("echo no such module; exit 1"))
	if err == nil || !strings.Contains(err.Error(), "no such module") {
		t.Error(err)
	}
}

// Seeds are tried at the last rung at which that takes a minute or a fiftieth of the run, and else the forecast says
// how long it would take.
func TestSeedsAffordable(t *testing.T) {
	c, err := config.Decode("test.toml", []byte(text), evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	s, err := evaluator.New(t.Context(), c, work.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	small := s.Sample[0]
	x := Training{StartS: 100, EpochSPerMMAC: 1 / macs(small), Slots: 1, Rungs: []Rung{{2, 100, 100}, {6, 100, 100}}}
	if err := x.trySeeds(t.Context(), s, nil, small, ""); err != nil || x.Seeds != nil || math.Abs(x.SeedsS-204) > 1e-9 {
		t.Errorf("%v, %+v", err, x)
	}
}
