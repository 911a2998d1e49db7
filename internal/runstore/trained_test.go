package runstore

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What told.csv holds is read as it was written, and so is the table of versions without seeds.
func TestTrained(t *testing.T) {
	dir := t.TempDir()
	rows := []TrainedRow{
		{ID: 3, ArchID: "a", Arch: "x | y", Accuracies: []float64{58, 60.123456789, 65}},
		{ID: -1, ArchID: "b", Arch: "z", Accuracies: []float64{62}},
	}
	if err := WriteTrained(dir, rows); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadTrained(dir); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%+v (%v), want %+v", got, err, rows)
	}
	old := "id,arch_id,arch,accuracy\n3,a,x | y,61.5\n"
	if err := os.WriteFile(filepath.Join(dir, TrainedFile), []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []TrainedRow{{ID: 3, ArchID: "a", Arch: "x | y", Accuracies: []float64{61.5}}}
	if got, err := ReadTrained(dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
}

// A table that is told again changes nothing; another seed adds one.
func TestTrainedAgain(t *testing.T) {
	r := TrainedRow{Accuracies: []float64{60}}
	for _, c := range []struct {
		more  []float64
		again bool
		want  []float64
	}{
		{[]float64{60}, false, []float64{60, 60}}, // two rows of one table
		{[]float64{60, 60}, true, []float64{60, 60}},
		{[]float64{60, 58}, true, []float64{58, 60, 60}},
		{[]float64{60, 60, 60}, true, []float64{58, 60, 60, 60}},
	} {
		if r.Add(c.more, c.again); !reflect.DeepEqual(r.Accuracies, c.want) {
			t.Errorf("with %v: %v, want %v", c.more, r.Accuracies, c.want)
		}
	}
}

func TestTrainedArchFitsItsID(t *testing.T) {
	dir := t.TempDir()
	rows := []TrainedRow{{ID: 3, ArchID: "0123456789ab", Arch: "x | y", Accuracies: []float64{61.5}}}
	if err := WriteTrained(dir, rows); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTrained(dir); err == nil || !strings.Contains(err.Error(), "told.csv line 2, column 3: arch") {
		t.Errorf("an arch that is not that of its arch_id: %v", err)
	}
}
