package run

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nas/internal/config"
	"nas/latency"
	"nas/space"
)

// testDir holds what the tests of the package share.
var testDir string

func TestMain(m *testing.M) {
	var err error
	if testDir, err = os.MkdirTemp("", "nas-run-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(testDir)
	os.Exit(code)
}

// testProfile is the file of a latency profile of this machine, rough, made once
// for all tests.
func testProfile(t *testing.T) string {
	t.Helper()
	path, err := calibrated()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var calibrated = sync.OnceValues(func() (string, error) {
	c, err := config.Load("../../configs/smoke.toml")
	if err != nil {
		return "", err
	}
	s, err := space.New(c.Space)
	if err != nil {
		return "", err
	}
	p, err := latency.Calibrate(context.Background(), latency.NewNative(1), NetworksOf(s, 1), latency.Options{Budget: 3 * time.Second})
	if err != nil {
		return "", err
	}
	path := filepath.Join(testDir, "profile.json")
	return path, p.Save(path)
})
