package main

import (
	"strings"
	"testing"
)

func TestWrongUseOfRunCommands(t *testing.T) {
	empty := t.TempDir()
	for _, tc := range []struct {
		want string
		args []string
	}{
		{"want the directory of one run", []string{"pick"}},
		{"holds no run", []string{"pick", empty}},
		{"want one of --latency", []string{"pick", empty, "--knee", "--hypervolume", "2"}},
		{"--latency \"fast\"", []string{"pick", empty, "--latency", "fast"}},
		{"--weights \"latency\"", []string{"pick", empty, "--weights", "latency"}},
		{"--sure goes with", []string{"pick", empty, "--sure"}},
		{"holds no run", []string{"ask", empty}},
		{"and a table", []string{"tell", empty}},
		{"holds no run", []string{"tell", empty, "trained.csv"}},
		{"nearest", []string{"improve", "mobilnet_v2"}},
		{"cannot be searched around", []string{"improve", "alexnet"}},
		{"--max-latency \"20\"", []string{"improve", "mobilenet_v2", "--max-latency", "20"}},
		{"holds no run", []string{"run", "testdata/tiny.toml", "--warm-start", empty}},
	} {
		code, out, err := nas(t, tc.args...)
		if code != exitUsage || !strings.HasPrefix(err, "nas: ") || !strings.Contains(err, tc.want) || out != "" {
			t.Errorf("nas %s: code %d, stderr %q, stdout %q, want 2 and %q", strings.Join(tc.args, " "), code, err, out, tc.want)
		}
	}
}
