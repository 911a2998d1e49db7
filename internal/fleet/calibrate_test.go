package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nas/blocks"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fleet"
	nasrun "nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/calibrate"
	"nas/latency/latencytest"
	"nas/latency/timing"
	"nas/space"
)

// phone is a device of known costs, slower than real ones: a calibration has time to be disturbed.
type phone struct {
	*latencytest.Simulated
	pause time.Duration // before each timing
}

func (p *phone) Open(ctx context.Context, known timing.Baseline) (timing.Timer, error) {
	_, err := p.Simulated.Open(ctx, known)
	return p, err
}

func (p *phone) Time(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	time.Sleep(p.pause)
	return p.Simulated.Time(ctx, n, e)
}

func (p *phone) TimeUnits(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	time.Sleep(p.pause)
	return p.Simulated.TimeUnits(ctx, n, e)
}

func newPhone(pause time.Duration) *phone {
	return &phone{latencytest.NewSimulated(1, 0.01, 0.02), pause}
}

// measures starts a worker that measures on a phone.
func measures(t *testing.T, a fleet.Access, name string, p *phone) (stop func()) {
	return start(t, &fleet.Worker{Access: a, Name: name, Slots: 2, Device: p})
}

func spaceOf(t *testing.T) *space.Space {
	t.Helper()
	s, err := space.New(configOf(t, t.TempDir(), 1).Space)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func calibration(t *testing.T, name string, budget time.Duration) fleet.Calibration {
	return fleet.Calibration{
		Worker: name, For: "a test", Space: spaceOf(t), Budget: budget, Wait: 2 * time.Second, Say: t.Logf,
	}
}

// TestCalibrateWorker: the profile that comes is that of the worker's device, and predicts its times.
func TestCalibrateWorker(t *testing.T) {
	_, a := serve(t)
	p := newPhone(2 * time.Millisecond)
	measures(t, a, "pixel7", p)
	measures(t, a, "other", newPhone(0))
	c := calibration(t, "pixel7", 4*time.Second)
	var heard []calibrate.Progress
	c.Progress = func(x calibrate.Progress) { heard = append(heard, x) }
	text, err := fleet.Calibrate(t.Context(), a, c)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := latency.Read(strings.NewReader(string(text)), "of the worker")
	if err != nil {
		t.Fatal(err)
	}
	if err := profile.Device.Match(p.Device()); err != nil || p.Opened != 0 {
		t.Errorf("%v; %d timers left open", err, p.Opened)
	}
	if len(heard) == 0 || heard[0].Budget != c.Budget {
		t.Errorf("heard of the progress: %+v", heard)
	}
	v, err := latency.Validate(t.Context(), profile, p, latencytest.Networks(t, 2, 20), latency.ValidateOptions{})
	if err != nil || v.MAPEPct > 15 {
		t.Errorf("%v; the profile errs by %.1f %%", err, v.MAPEPct)
	}
}

// TestCalibrateNobody: a worker that is not there is named, with those that are; one that ends meanwhile says so, and
// so does one that is at it already.
func TestCalibrateNobody(t *testing.T) {
	_, a := serve(t)
	stop := measures(t, a, "pixel7", newPhone(20*time.Millisecond))
	c := calibration(t, "pixel9", time.Minute)
	want := func(c fleet.Calibration, text string) {
		t.Helper()
		if _, err := fleet.Calibrate(t.Context(), a, c); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
	want(c, "no worker pixel9 offers its device at "+a.URL+" (there are pixel7): start it there with nas worker --fleet "+
		"URL --measures --name pixel9")
	c.Worker = "a b"
	want(c, "is no name of a worker")
	c.Worker, c.Budget = "pixel7", time.Millisecond
	want(c, "want 1s to 24h")

	c.Budget = time.Minute
	begun := make(chan bool)
	var once sync.Once
	c.Progress = func(calibrate.Progress) { once.Do(func() { close(begun) }) }
	ended := make(chan error)
	go func() {
		_, err := fleet.Calibrate(t.Context(), a, c)
		ended <- err
	}()
	<-begun
	second := calibration(t, "pixel7", time.Minute)
	want(second, "worker pixel7 does not calibrate: it calibrates for somebody else")
	stop()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "it was told to end") {
		t.Errorf("a worker that ends: %v", err)
	}
}

// TestCalibrateCanceled: who goes away while the device is calibrated has no profile, and the worker is free again.
func TestCalibrateCanceled(t *testing.T) {
	_, a := serve(t)
	measures(t, a, "pixel7", newPhone(10*time.Millisecond))
	ctx, cancel := context.WithCancelCause(t.Context())
	c := calibration(t, "pixel7", time.Minute)
	away := errors.New("away")
	c.Progress = func(calibrate.Progress) { cancel(away) }
	if _, err := fleet.Calibrate(ctx, a, c); !errors.Is(err, away) {
		t.Fatal(err)
	}
	again := calibration(t, "pixel7", 2*time.Second)
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		_, err := fleet.Calibrate(t.Context(), a, again)
		if err == nil {
			return
		}
		if time.Since(began) > 15*time.Second {
			t.Fatalf("the worker still calibrates for nobody: %v", err)
		}
	}
}

// TestCalibrateStranger: what is no calibration is refused, and the worker goes on.
func TestCalibrateStranger(t *testing.T) {
	_, a := serve(t)
	measures(t, a, "pixel7", newPhone(0))
	for text, want := range map[string]string{
		`{}`: "what asks for a calibration is damaged",
		`"x`: "a message is damaged",
		`{"format": 9, "inbox": "x", "budget_s": 2}`:                                        "use the same version everywhere",
		`{"format": 1, "inbox": "x", "budget_s": 1e9}`:                                      "is damaged",
		`{"format": 1, "inbox": "x", "budget_s": 2, "space": {"Input": [1, 2]}}`:            "space",
		`{"format": 1, "inbox": "x", "budget_s": 2, "space": {"Stage": [{"Block": "no"}]}}`: "damaged",
	} {
		if got := fleet.AskToCalibrate(t, a.URL, "pixel7", text); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", text, got, want)
		}
	}
	if _, err := fleet.Calibrate(t.Context(), a, calibration(t, "pixel7", time.Second)); err != nil {
		t.Error(err)
	}
}

// A space that travels as JSON is the same space.
func TestSpacesTravel(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "configs", "*.toml"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		c, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := space.New(c.Space)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s.Spec())
		if err != nil {
			t.Fatal(err)
		}
		var spec space.Spec
		if err := json.Unmarshal(text, &spec); err != nil {
			t.Fatal(err)
		}
		other, err := space.New(spec)
		if err != nil || other.ID() != s.ID() {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestFleetLatency: the latency of an objective is that of a worker's device, which the run has calibrated; the run
// goes on without the worker's profile being made anew.
func TestFleetLatency(t *testing.T) {
	if testing.Short() {
		t.Skip("calibrates")
	}
	_, a := serve(t)
	dir := filepath.Join(t.TempDir(), "run")
	text := strings.NewReplacer(`profile = "raspi4-fbnet"`,
		"budget = \"2s\"\nprofile = {board = \"raspi4-fbnet\", phone = \"fleet:pixel7\"}",
		"[search]\n", "[search]\nobjectives = [\"latency@phone\", \"accuracy\"]\n").Replace(runConfig)
	load := func(trials int) *config.Config {
		set := func(c *config.Config, _ func(key, value, want string)) { c.Output.Dir = dir }
		c, err := config.Decode("test.toml", []byte(strings.ReplaceAll(text, "%[1]d", "60")), set, evaluator.Check)
		if err != nil {
			t.Fatal(err)
		}
		c.Search.Trials, c.Search.Evaluations = trials, config.Evaluations(trials)
		return c
	}
	_, err := nasrun.Run(t.Context(), nasrun.Options{Config: load(60)})
	if err == nil || !strings.Contains(err.Error(), "nas calibrate --fleet URL --device pixel7") {
		t.Errorf("without a fleet: %v", err)
	}
	var heard said
	carry := func(trials int, resume bool) {
		t.Helper()
		if _, err := nasrun.Run(t.Context(), nasrun.Options{
			Options: work.Options{Say: heard.say}, Config: load(trials), Resume: resume,
			Fleet: &nasrun.FleetOptions{Access: a, Patience: 2 * time.Second},
		}); err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
		}
	}
	go func() { // it comes when the run waits for it
		for !heard.has("waiting for worker pixel7") {
			time.Sleep(10 * time.Millisecond)
		}
		measures(t, a, "pixel7", newPhone(time.Millisecond))
	}()
	carry(60, false)
	profile, err := latency.Load(filepath.Join(dir, runstore.ProfileName("phone", 1)))
	if err != nil || profile.Device.Name != "fake" {
		t.Fatalf("%v, the profile is of %v", err, profile.Device)
	}
	before := runtest.Read(t, dir, runstore.ProfileName("phone", 1))
	for _, x := range runtest.Trials(t, dir) {
		if x.Failed == "" && !(x.Objectives["latency_ms@phone"] > 0) {
			t.Fatalf("trial %d: %v", x.ID, x.Objectives)
		}
	}
	carry(90, true)
	if n := len(runtest.Trials(t, dir)); n != 90 {
		t.Errorf("%d trials", n)
	}
	if !bytes.Equal(runtest.Read(t, dir, runstore.ProfileName("phone", 1)), before) {
		t.Error("the run that was continued has another profile")
	}
}
