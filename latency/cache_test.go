package latency

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	if _, err := Cached(d); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing cached: %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := CachePath(d); !errors.Is(err, ErrNoCache) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("no HOME: %v", err)
	}
}

// The head of a cached profile is read without the rest, and only for its own device.
func TestCachedBaseline(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	d := timing.NewNative(1).Device()
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
