package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/internal/int8loss"
)

// TestQuantizeReport lists the layers of a network, draws them, and gives programs the same.
func TestQuantizeReport(t *testing.T) {
	const net = "ds_cnn@width=0.25"
	picture := filepath.Join(t.TempDir(), "l.svg")
	code, out, stderr := nas(t, "quantize", net, "--report", "--layers", "3", "--edits", "1", "--plot", picture)
	if code != exitDone || strings.Count(out, "stage")+strings.Count(out, "head.")+strings.Count(out, "stem.") < 3 ||
		!strings.Contains(out, "per channel:") || !strings.Contains(out, "per tensor:") {
		t.Errorf("%s\n%s", out, stderr)
	}
	if svg, err := os.ReadFile(picture); err != nil || !strings.Contains(string(svg), "<svg") {
		t.Errorf("%s: %v", picture, err)
	}
	code, out, stderr = nas(t, "quantize", net, "--report", "--per-tensor", "--edits", "0", "--json")
	var r int8loss.Report
	if err := json.Unmarshal([]byte(out), &r); code != exitDone || err != nil {
		t.Fatalf("%v: %s %s", err, out, stderr)
	}
	byOutput := func(a, b int8loss.Layer) int { return int(a.OutputDB*1e6) - int(b.OutputDB*1e6) }
	if !r.PerTensor || len(r.Layers) != 11 || !slices.IsSortedFunc(r.Layers, byOutput) || r.Images != 8 {
		t.Errorf("%+v", r)
	}
	wantExit(t, exitUsage, "want --report", "quantize", net)
	wantExit(t, exitUsage, "--layers 0", "quantize", net, "--report", "--layers", "0")
}
