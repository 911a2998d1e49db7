package compare

import (
	"path/filepath"
	"slices"
	"strconv"

	"nas/internal/config"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
)

// Fronts are the fronts of several runs on the device of the first.
type Fronts struct {
	Device string  `json:"device"`
	Runs   []Front `json:"runs"`
	// AheadPct is the share of the members of the column's front that a member of the row's front dominates: it is
	// as fast and as accurate, and better in one (the coverage of Zitzler and Thiele, IEEE Trans. Evolutionary
	// Computation 3, 1999).
	AheadPct [][]float64 `json:"ahead_pct"`
}

// Front is the front of one run.
type Front struct {
	Dir     string   `json:"run"`
	Device  string   `json:"searched_for"`
	Members []Member `json:"members"`
}

// Member is a member of a front.
type Member struct {
	Network   `json:"-"`
	Trial     int     `json:"trial"`
	LatencyMs float64 `json:"latency_ms"`
	LowMs     float64 `json:"low_ms"`
	HighMs    float64 `json:"high_ms"`
	Accuracy  float64 `json:"accuracy"`
}

// DeviceOf is the device of a run, by the profile in its directory.
func DeviceOf(s *results.Stored) (Device, error) {
	p, err := latency.Load(filepath.Join(s.Dir, runstore.ProfileFile))
	if err != nil {
		return Device{}, err
	}
	r, err := p.Predictor()
	return Device{p.Device.String(), r}, err
}

// Members are the members of the front of a run, on a device.
func Members(s *results.Stored, d Device) (ms []Member, err error) {
	_, y := s.Axes()
	for _, t := range s.Front.Trials() {
		n, err := resolve.NetworkOf(t.Arch)
		if err != nil {
			return nil, err
		}
		e, err := d.Predict(n)
		if err != nil {
			return nil, err
		}
		ms = append(ms, Member{Network: Network{s.Dir + ":" + strconv.Itoa(t.ID), n}, Trial: t.ID, LatencyMs: e.LatencyMs,
			LowMs: e.LowMs, HighMs: e.HighMs, Accuracy: runstore.Number(&t.Result, y.Name)})
	}
	return ms, nil
}

// Runs compares the fronts of runs on the device of the first one. The accuracies must be of one scale.
func Runs(runs []*results.Stored) (*Fronts, error) {
	for _, s := range runs {
		if _, y := s.Axes(); y.Name != runstore.KeyAccuracy {
			return nil, config.Usagef("%s has no accuracy among its objectives: its front cannot be compared", s.Dir)
		}
		if !results.SameScale(&s.Manifest, &runs[0].Manifest) {
			return nil, config.Usagef("accuracy is another thing in %s (%s) and in %s (%s): they cannot be compared",
				runs[0].Dir, runs[0].ScaleName(), s.Dir, s.ScaleName())
		}
	}
	d, err := DeviceOf(runs[0])
	if err != nil {
		return nil, err
	}
	_, y := runs[0].Axes()
	f := &Fronts{Device: d.Name}
	for _, s := range runs {
		ms, err := Members(s, d)
		if err != nil {
			return nil, err
		}
		x, _ := s.Axes()
		f.Runs = append(f.Runs, Front{s.Dir, s.DeviceOf(x), ms})
	}
	for _, a := range f.Runs {
		var row []float64
		for _, b := range f.Runs {
			row = append(row, ahead(a.Members, b.Members, y))
		}
		f.AheadPct = append(f.AheadPct, row)
	}
	return f, nil
}

// ahead is the share of b that a member of a dominates, in per cent.
func ahead(a, b []Member, accuracy search.Objective) float64 {
	n := 0
	for _, y := range b {
		for _, x := range a {
			better := results.Better(accuracy, x.Accuracy, y.Accuracy)
			if x.LatencyMs <= y.LatencyMs && (better || x.Accuracy == y.Accuracy && x.LatencyMs < y.LatencyMs) {
				n++
				break
			}
		}
	}
	if len(b) == 0 {
		return 0
	}
	return 100 * float64(n) / float64(len(b))
}

// Differ reports whether the runs were searched for different devices.
func (f *Fronts) Differ() bool {
	for _, r := range f.Runs {
		if r.Device != f.Runs[0].Device {
			return true
		}
	}
	return false
}

// Between finds which members of the fronts change places between the devices of the runs.
func Between(runs []*results.Stored, f *Fronts) (*Table, error) {
	var networks []Network
	for _, r := range f.Runs {
		for _, m := range r.Members {
			networks = append(networks, m.Network)
		}
	}
	var devices []Device
	for _, s := range runs {
		d, err := DeviceOf(s)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(devices, func(o Device) bool { return o.Name == d.Name }) {
			devices = append(devices, d)
		}
	}
	return Devices(networks, devices)
}
