package rungs

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The log that an earlier version wrote is read. A damaged line and one without an end are passed over; the next entry
// follows the last whole line.
func TestLog(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("testdata", "formats", "training-v0.2.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "training.jsonl")
	text := append(append(slices.Clone(sample), "damaged\n"...), `{"arch_id":"cut`...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLog(path, "")
	if err != nil {
		t.Fatal(err)
	}
	e := Entry{ArchID: "cd272fce8a43", Rung: 2, Key: "62190ba8052ef1a3"}
	o, ok, err := l.Known(e)
	if err != nil || !ok || o.Accuracy != 59 || len(o.Curve) != 1 || o.Curve[0].Epoch != 9 || o.Curve[0].Loss != 0.5 {
		t.Errorf("%+v, %v, %v", o, ok, err)
	}
	e.Seed = 1
	if _, ok, _ = l.Known(e); ok {
		t.Error("a rung of another seed is known")
	}
	if err := l.Add(e); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var rungs []int
	for e, err := range Entries(path) {
		if err != nil {
			t.Fatal(err)
		}
		rungs = append(rungs, e.Rung)
	}
	if !slices.Equal(rungs, []int{0, 1, 2, 0, 1, 2, 2}) {
		t.Errorf("rungs %v", rungs)
	}
	for _, err := range Entries(filepath.Join(t.TempDir(), "nothing")) {
		if err == nil {
			t.Error("a file that is not there has an entry")
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(whole, append(sample, "damaged\n"...)) {
		t.Errorf("what was there is changed: %v", err)
	}
}
