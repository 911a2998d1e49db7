package tasks_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/tasks"
)

// TestIncoming: weights arrive whole or not at all, and an outcome whose weights are not there says why.
func TestIncoming(t *testing.T) {
	data := bytes.Repeat([]byte("weights "), 100)
	sum := sha256.Sum256(data)
	info := tasks.WeightsInfo{Sum: hex.EncodeToString(sum[:]), Bytes: int64(len(data))}
	in := tasks.Incoming{Dir: filepath.Join(t.TempDir(), "incoming"), Name: "sub/trained.safetensors"}
	half := int64(len(data) / 2)
	refused := func(what, want string, w tasks.WeightsInfo, offset int64, part []byte) {
		t.Helper()
		if err := in.Part("w", w, offset, part); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", what, err, want)
		}
	}
	taken := func(from string, offset int64, part []byte) {
		t.Helper()
		if err := in.Part(from, info, offset, part); err != nil {
			t.Fatal(err)
		}
	}
	refused("a sum that is a path", "not those of weights", tasks.WeightsInfo{Sum: "../../x", Bytes: 3}, 0, []byte("abc"))
	refused("too long", "not those of weights", tasks.WeightsInfo{Sum: info.Sum, Bytes: 2 << 30}, 0, data)
	refused("beyond the end", "not inside", info, half+1, data[half:])
	refused("before the beginning", "not inside", info, -1, data[half:])
	refused("empty", "not inside", info, 0, nil)
	refused("the second part first", "does not follow", info, half, data[half:])
	taken("w", 0, data[:half])
	refused("another offset", "does not follow", info, half-1, data[half:])
	taken("other", 0, data[:half]) // does not disturb w
	spoilt := bytes.Clone(data[half:])
	spoilt[3] ^= 1
	refused("a bit that changed", "damaged", info, half, spoilt)

	o := outcome(t, &info)
	trial := filepath.Join(t.TempDir(), "trial")
	if why := in.Place(o, trial); why != "they did not come" {
		t.Errorf("weights that did not come: %q", why)
	}
	taken("w", 0, data[:half])
	taken("w", half, data[half:])
	for range 2 { // the second time after a crash
		if why := in.Place(o, trial); why != "" {
			t.Errorf("weights that came: %q", why)
		}
	}
	if got, err := os.ReadFile(filepath.Join(trial, "sub", "trained.safetensors")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the trial has %d bytes, %v", len(got), err)
	}
	if err := o.LoseWeights("the disk is full"); err != nil {
		t.Fatal(err)
	}
	if why := in.Place(o, trial); why != "the disk is full" || o.Check() != nil || o.CheckResult() != nil {
		t.Errorf("weights that a worker keeps: %q, %v, %v", why, o.Check(), o.CheckResult())
	}
	if err := outcome(t, &tasks.WeightsInfo{Sum: "x", Bytes: 1}).CheckResult(); err == nil {
		t.Error("an outcome with a sum that is none is taken")
	}
}

// TestIncomingFile: a file of weights is taken if it is what its outcome says.
func TestIncomingFile(t *testing.T) {
	data := []byte("weights")
	sum := sha256.Sum256(data)
	info := &tasks.WeightsInfo{Sum: hex.EncodeToString(sum[:]), Bytes: int64(len(data))}
	in := tasks.Incoming{Dir: filepath.Join(t.TempDir(), "incoming"), Name: "trained.safetensors"}
	path := filepath.Join(t.TempDir(), "file")
	for _, text := range []string{"", "weight", "Weights", "weights"} {
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := in.Take(path, info); (err == nil) != (text == string(data)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if why := in.Place(outcome(t, info), t.TempDir()); why != "" {
		t.Error(why)
	}
}

// outcome is that of a training that left weights.
func outcome(t *testing.T, w *tasks.WeightsInfo) *tasks.Outcome {
	t.Helper()
	o := &tasks.Outcome{
		Format: tasks.Format, Run: strings.Repeat("0", 16), Kind: tasks.Train, ArchID: strings.Repeat("1", 12), Worker: "w",
	}
	var err error
	if o.Result, err = json.Marshal(map[string]any{"accuracy": 71.5, "seconds": 3, "weights": w}); err != nil {
		t.Fatal(err)
	}
	if err := o.Seal(); err != nil {
		t.Fatal(err)
	}
	return o
}
