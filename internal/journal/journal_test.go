package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"nas/internal/tasks"
)

const run = "0123456789abcdef"

func outcome(t *testing.T, trial int) tasks.Outcome {
	t.Helper()
	o := tasks.Outcome{
		Format: tasks.Format, Run: run, Kind: tasks.Evaluate, Trial: trial, ArchID: "00112233aabb", Worker: "w",
		Result: fmt.Appendf(nil, `{"id":%d,"arch_id":"00112233aabb","genes":[],"violation":0}`, trial),
	}
	if err := o.Seal(); err != nil {
		t.Fatal(err)
	}
	return o
}

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamage: whatever happens to the file, what can still be read counts, and the journal goes on.
func TestDamage(t *testing.T) {
	whole := t.TempDir()
	j := open(t, whole)
	for i := range 5 {
		must(t, j.Add(outcome(t, i)))
	}
	must(t, j.Hand("7", "8"))
	must(t, j.file.Close())
	text, err := os.ReadFile(filepath.Join(whole, FileName))
	must(t, err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	flip := bytes.Clone(text)
	at := bytes.Index(flip, []byte(`"trial":2`))
	flip[at+len(`"trial":`)] ^= 1 // 2 becomes 3
	for _, c := range []struct {
		name        string
		text        []byte
		has, absent string
		damaged     int
	}{
		{"whole", text, "01234", "", 0},
		{"cut in a line", text[:len(lines[0])+len(lines[1])+40], "01", "234", 1},
		{"zeros behind", append(bytes.Clone(text[:len(lines[0])]), make([]byte, 100)...), "0", "1234", 0},
		{"a bit", flip, "0134", "2", 1},
		{"empty", nil, "", "01234", 0},
		{"twice", append(bytes.Clone(text), text...), "01234", "", 0},
	} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, FileName), c.text, 0o600))
		j := open(t, dir)
		if j.Damaged != c.damaged || j.Len() != len(c.has) {
			t.Errorf("%s: %d damaged, %d outcomes", c.name, j.Damaged, j.Len())
		}
		for _, k := range strings.Split(c.absent, "") {
			if _, ok := j.Get(k); ok {
				t.Errorf("%s: outcome %s is there", c.name, k)
			}
		}
		must(t, j.Add(outcome(t, 9)))
		must(t, j.file.Close())
		j = open(t, dir)
		if o, ok := j.Get("9"); !ok || o.Trial != 9 || j.Len() != len(c.has)+1 {
			t.Errorf("%s: after another outcome there are %d", c.name, j.Len())
		}
		must(t, j.file.Close())
	}
}

// TestFirstCounts: a second outcome of a task is no outcome, and neither is that of another run.
func TestFirstCounts(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	a, b := outcome(t, 3), outcome(t, 3)
	b.Worker = "another"
	must(t, b.Seal())
	must(t, j.Add(a))
	size := j.size
	must(t, j.Add(b))
	if o, _ := j.Get("3"); o.Worker != "w" || j.size != size {
		t.Errorf("the outcome is that of %s, %d bytes after %d", o.Worker, j.size, size)
	}
	must(t, j.Hand("3"))
	must(t, j.file.Close())
	other, err := Open(dir, "ffffffffffffffff")
	must(t, err)
	if other.Len() != 0 {
		t.Error("an outcome of another run is there")
	}
	must(t, other.file.Close())
	j = open(t, dir)
	if !j.Handed("3") || j.Handed("4") {
		t.Error("what was handed out is forgotten")
	}
	must(t, j.Drop("3"))
	must(t, j.Close())
	if _, err := os.Stat(filepath.Join(dir, FileName)); !os.IsNotExist(err) {
		t.Errorf("an empty journal is left: %v", err)
	}
}

// TestCompact: the file does not grow with what was dropped, and keeps the rest.
func TestCompact(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				if err := j.Add(outcome(t, 50*w+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, j.Hand("1000"))
	before := j.size
	for i := range 150 {
		if i == 149 {
			j.dead = compactAt
		}
		must(t, j.Drop(fmt.Sprint(i)))
	}
	if j.size >= before/2 {
		t.Errorf("%d bytes of %d are left of a quarter of the outcomes", j.size, before)
	}
	must(t, j.Add(outcome(t, 500)))
	must(t, j.file.Close())
	j = open(t, dir)
	if j.Len() != 51 || !j.Handed("1000") || j.Damaged != 0 {
		t.Errorf("%d outcomes, %d damaged", j.Len(), j.Damaged)
	}
	must(t, j.Close())
}
