package run

import (
	"errors"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/search"
)

// storedOn is a run of one trial on a device.
func storedOn(t *testing.T, dir, device string, objectives ...search.Objective) *Stored {
	t.Helper()
	s := &Stored{Dir: dir, Config: &config.Config{Name: "mobile"}}
	s.Manifest.Objectives, s.Manifest.Device = objectives, device
	s.Manifest.Notes = map[string]string{"score": "top-1", "device@phone": "a phone"}
	var err error
	if s.Front, err = search.NewFront(objectives, nil); err != nil {
		t.Fatal(err)
	}
	trial := search.Trial{}
	trial.Objectives = map[string]float64{}
	for i, o := range objectives {
		trial.Objectives[o.Name] = float64(i + 1)
	}
	s.Trials = append(s.Trials, trial)
	s.Front.Add(trial)
	s.References = []Reference{
		{Family: "MobileNetV2", Label: "1", Values: map[string]float64{keyLatency: 2, keyAccuracy: 4}},
		{Family: "MobileNetV2", Label: "1.4", Values: map[string]float64{keyLatency: 3, keyAccuracy: 4}}, // far beyond what was tried
	}
	return s
}

// Several runs over each other say whose latency each of them shows.
func TestFigureOfSeveralRuns(t *testing.T) {
	acc := search.Objective{Name: keyAccuracy, Direction: search.Maximize}
	ms := search.Objective{Name: keyLatency, Unit: "ms"}
	phone := search.Objective{Name: keyLatency + "@phone", Unit: "ms"}
	a, b := storedOn(t, "x/mobile", "a board", ms, acc), storedOn(t, "y/mobile", "a board", ms, acc)
	f, err := Figure(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if f.Series[0].Name != "x/mobile" || f.Series[1].Name != "y/mobile" || !strings.Contains(f.X.Label, "a board") || len(f.References) != 1 || f.References[0].Label != "1" || !strings.Contains(strings.Join(f.Notes, "\n"), "than all of it (1)") {
		t.Errorf("two runs on one device: %q, %q, x is %q, %d references", f.Series[0].Name, f.Series[1].Name, f.X.Label, len(f.References))
	}
	f, err = Figure(a, storedOn(t, "z", "a server", phone, acc))
	if err != nil {
		t.Fatal(err)
	}
	if f.Series[0].Name != "mobile: a board" || f.Series[1].Name != "z: a phone" || strings.Contains(f.X.Label, "board") || len(f.References) != 0 {
		t.Errorf("two devices: %q, %q, x is %q, %d references", f.Series[0].Name, f.Series[1].Name, f.X.Label, len(f.References))
	}
	for i, s := range f.Series {
		if len(s.Front) != 1 || len(s.Trials) != 1 || s.Trials[0].X != 1 || s.Trials[0].Y != 2 {
			t.Errorf("series %d is %+v", i, s)
		}
	}
	var usage *UsageError
	if _, err = Figure(a, storedOn(t, "m", "a board", search.Objective{Name: keyMACs}, acc)); !errors.As(err, &usage) || !strings.Contains(err.Error(), "macs") {
		t.Errorf("latency and MACs share a plot: %v", err)
	}
}
