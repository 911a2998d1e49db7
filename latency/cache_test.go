package latency

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/latency/native"
	"nas/latency/timing"
)

func TestCachePath(t *testing.T) {
	d := timing.Device{Name: timing.NativeName, CPU: "AMD Ryzen(TM) 7/5800X  8-Core", Threads: 2}
	d.Target.ISA = "avx2"
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	p, err := CachePath(d)
	if err != nil {
		t.Fatal(err)
	}
	if base := filepath.Base(p); base != "native-amd-ryzen-tm-7-5800x-8-core-avx2-t2.json" {
		t.Errorf("%s", base)
	}
	integers := d
	integers.DType = "int8"
	if p, err := CachePath(integers); err != nil ||
		filepath.Base(p) != "native-amd-ryzen-tm-7-5800x-8-core-avx2-t2-int8.json" {
		t.Errorf("of int8: %s, %v", p, err)
	}
	if _, err := Cached(d); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing cached: %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := CachePath(d); !errors.Is(err, ErrNoCache) {
		t.Errorf("no HOME: %v", err)
	}
}

// The head of a cached profile is read without the rest, and only for its own device.
func TestCachedBaseline(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	d := native.New(1).Device()
	if b := CachedBaseline(d); b != (timing.Baseline{}) {
		t.Errorf("nothing is cached: %+v", b)
	}
	path, err := CachePath(d)
	if err != nil {
		t.Fatal(err)
	}
	p := &Profile{Format: Format, Device: d}
	p.Calibration.Baseline = timing.Baseline{ReferenceMs: 0.25, ProbeNs: 1750}
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	if b := CachedBaseline(d); b != p.Calibration.Baseline {
		t.Errorf("%+v", b)
	}
	p.Device.CPU = "another"
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	if b := CachedBaseline(d); b != (timing.Baseline{}) {
		t.Errorf("of another device: %+v", b)
	}
}

// A calibration loses no other profile, and one that was spoiled does not take the place of a good one.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "p.json")
	simulated := simulatedProfile(t)
	quiet := func(stopped string) *Profile {
		p := *simulated
		p.Calibration, p.Validation = Calibration{Stopped: stopped}, nil
		return &p
	}
	busy := quiet("busy")
	busy.Calibration.WallS, busy.Calibration.InterruptPct = 60, 80
	for _, step := range []struct {
		p    *Profile
		even bool
		note string
		want string // by file: how each calibration stopped
	}{
		{quiet("first"), false, "", "p.json first"},
		{quiet("second"), false, "kept in " + dir + "/p-earlier.json", "p-earlier.json first p.json second"},
		{busy, false, "the machine was busy", "p-busy.json busy p-earlier.json first p.json second"},
		{busy, true, "the earlier profile", "p-busy.json busy p-earlier.json second p.json busy"},
	} {
		note, err := step.p.Keep(path, step.even)
		if err != nil || (note == "") != (step.note == "") || !strings.Contains(note, step.note) {
			t.Errorf("%q, %v; want %q", note, err, step.note)
		}
		var got []string
		files, _ := os.ReadDir(dir)
		for _, f := range files {
			p, err := Load(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, f.Name(), p.Calibration.Stopped)
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%v, want %s", got, step.want)
		}
	}
}
