package view

import (
	"errors"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/report"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/search"
)

// storedOn is a run of one trial on a device.
func storedOn(t *testing.T, dir, device string, objectives ...search.Objective) *results.Stored {
	t.Helper()
	s := &results.Stored{Dir: dir, Config: &config.Config{Name: "mobile"}}
	s.Manifest.Objectives, s.Manifest.Device = objectives, device
	s.Manifest.Score.Label, s.Manifest.Devices = "top-1", map[string]string{"phone": "a phone"}
	var err error
	if s.Front, err = search.NewFront(objectives, nil); err != nil {
		t.Fatal(err)
	}
	trial := search.Trial{}
	trial.Objectives = map[string]float64{}
	for i, o := range objectives {
		trial.Objectives[o.Name] = float64(i + 1)
	}
	s.Front.Add(trial)
	s.Shown.Add(0, nil, nil, report.XY{X: 1, Y: 2}, 0, 0, true)
	s.Trials = 1
	s.References = []runstore.Reference{
		{Family: "V2", Label: "1", Values: map[string]float64{runstore.KeyLatency: 2, runstore.KeyAccuracy: 4}},
		// Far beyond what was tried:
		{Family: "V2", Label: "1.4", Values: map[string]float64{runstore.KeyLatency: 3, runstore.KeyAccuracy: 4}},
	}
	return s
}

// Several runs over each other say whose latency each of them shows.
func TestFigureOfSeveralRuns(t *testing.T) {
	acc := search.Objective{Name: runstore.KeyAccuracy, Direction: search.Maximize}
	ms := search.Objective{Name: runstore.KeyLatency, Unit: "ms"}
	phone := search.Objective{Name: runstore.KeyLatency + "@phone", Unit: "ms"}
	a, b := storedOn(t, "x/mobile", "a board", ms, acc), storedOn(t, "y/mobile", "a board", ms, acc)
	f, err := Front(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if f.Series[0].Name != "x/mobile" || f.Series[1].Name != "y/mobile" ||
		!strings.Contains(f.X.Label, "a board") || len(f.References) != 1 || f.References[0].Label != "1" ||
		!strings.Contains(strings.Join(f.Notes, "\n"), "than all of it (1)") {
		t.Errorf("two runs on one device: %q, %q, x is %q, %d references", f.Series[0].Name, f.Series[1].Name,
			f.X.Label, len(f.References))
	}
	f, err = Front(a, storedOn(t, "z", "a server", phone, acc))
	if err != nil {
		t.Fatal(err)
	}
	if f.Series[0].Name != "mobile: a board" || f.Series[1].Name != "z: a phone" ||
		strings.Contains(f.X.Label, "board") || len(f.References) != 0 {
		t.Errorf("two devices: %q, %q, x is %q, %d references", f.Series[0].Name, f.Series[1].Name, f.X.Label,
			len(f.References))
	}
	for i, s := range f.Series {
		if len(s.Front) != 1 || len(s.Trials) != 1 || s.Trials[0].X != 1 || s.Trials[0].Y != 2 {
			t.Errorf("series %d is %+v", i, s)
		}
	}
	var usage *config.UsageError
	_, err = Front(a, storedOn(t, "m", "a board", search.Objective{Name: runstore.KeyMACs}, acc))
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "macs") {
		t.Errorf("latency and MACs share a plot: %v", err)
	}
}

// TestAxisOfScore: what the accuracy axis is called depends on the type of the score, not on its label.
func TestAxisOfScore(t *testing.T) {
	for unit, want := range map[string][2]string{runstore.UnitPercent: {"top-1", "%"}, "": {"score", ""}} {
		s := &results.Stored{Config: new(config.Config)}
		s.Manifest.Score = runstore.Score{Label: "a score (%)", Unit: unit}
		a := axisOf(s, search.Objective{Name: runstore.KeyAccuracy, Direction: search.Maximize})
		if a.Label != "a score (%)" || a.Name != want[0] || a.Unit != want[1] {
			t.Errorf("unit %q: axis %+v", unit, a)
		}
	}
	for label, want := range map[string]string{
		"top-1 after 6 epochs of up to 6,000 images (%)": "top-1 after 6 epochs of up to 6,000 images",
		"mean IoU, validation":                           "mean IoU", "loss": "loss", "(all)": "(all)",
	} {
		s := &results.Stored{Config: new(config.Config)}
		s.Manifest.Score.Label, s.Config.Accuracy.Evaluator = label, "train.toml"
		if a := axisOf(s, search.Objective{Name: runstore.KeyAccuracy}); a.Name != want {
			t.Errorf("%q is called %q, want %q", label, a.Name, want)
		}
	}
}
