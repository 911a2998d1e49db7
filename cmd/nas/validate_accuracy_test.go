package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateAccuracyOwnTable judges a score on a table of the user's, and draws it.
func TestValidateAccuracyOwnTable(t *testing.T) {
	dir := t.TempDir()
	table, plot := filepath.Join(dir, "own.csv"), filepath.Join(dir, "own.svg")
	write := func(text string) {
		if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("arch,accuracy\nmobilenet_v2,71.8\nmobilenet_v2@width=0.5,65.4\nmobilenet_v2@width=0.35,60.3\n")
	code, out, errs := nas(t, "validate", "accuracy", "--benchmark", table, "--proxy", "macs", "--plot", plot)
	if code != 0 || !strings.Contains(out, "3 networks") || !strings.Contains(out, "1.000") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	if _, err := os.Stat(plot); err != nil {
		t.Error(err)
	}
	write("arch,accuracy\nmobilenet_v2,\n")
	if code, _, errs := nas(t, "validate", "accuracy", "--benchmark", table, "--proxy", "macs"); code == 0 || !strings.Contains(errs, "line 2") {
		t.Errorf("an empty accuracy: exit %d, %s", code, errs)
	}
	if code, _, errs := nas(t, "validate", "accuracy", "--benchmark", "macros", "--proxy", "macs"); code != 2 || !strings.Contains(errs, "FILE.csv") {
		t.Errorf("an unknown benchmark: exit %d, %s", code, errs)
	}
}
