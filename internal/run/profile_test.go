package run

import (
	"path/filepath"
	"testing"

	"nas/latency"
	"nas/latency/timing"
)

// testProfile is the file of a latency profile that takes this machine for its
// own, so that what a test measures here is held against it. Its times are those
// of the reference run: what a search finds must not depend on how busy this
// machine was when the tests began.
func testProfile(t *testing.T) string {
	t.Helper()
	p, err := latency.Load("../../results/reference/smoke/profile.json")
	if err != nil {
		t.Fatal(err)
	}
	p.Device = timing.NewNative(1).Device()
	p.Calibration.Baseline = timing.Baseline{} // another machine's
	path := filepath.Join(t.TempDir(), "profile.json")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}
