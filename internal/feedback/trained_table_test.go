package feedback

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

func TestReadTable(t *testing.T) {
	s := &results.Stored{Dir: t.TempDir(), Trials: 1}
	trial := runstore.AppendTrial(nil, &search.Trial{ArchID: "0"})
	if err := os.WriteFile(filepath.Join(s.Dir, runstore.TrialsFile), trial, 0o644); err != nil {
		t.Fatal(err)
	}
	const arch = "32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10"
	for text, want := range map[string]string{
		"":                            "want a table",
		"id,loss\n0,1\n":              "line 1: the columns are id,loss",
		"id,accuracy\n":               "no network",
		"id,accuracy\n0,\n":           "no network", // asked for, not trained
		"id,accuracy\n7,60\n":         `line 2, column 1: id "7"`,
		"id,accuracy\n0,160\n":        `line 2, column 2: accuracy "160"`,
		"id,accuracy\n0,0.72\n":       `accuracy "0.72": per cent or a fraction? If all are fractions, want 72 here`,
		"arch,accuracy\nx|y,60\n":     `line 2, column 1: arch "x|y": space`,
		"id,accuracy\n9,60\n0,many\n": `line 3, column 2: accuracy "many"`,
		"id,arch,accuracy\n0,\"" + arch + "\",60\n":            "line 2, column 1: id \"0\": want the trial with the arch",
		"id,arch,accuracy\n0123456789ab,\"" + arch + "\",60\n": "one of the two was changed",
	} {
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readTable(path, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	text := "Accuracy,arch,id\n65," + arch + ",\n62,,0\n58," + arch + ",\n60," + arch + ",\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := space.Parse(arch)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readTable(path, s)
	want := []runstore.TrainedRow{
		{ID: -1, ArchID: a.ID(), Arch: arch, Accuracies: []float64{58, 60, 65}},
		{ID: 0, ArchID: "0", Accuracies: []float64{62}},
	}
	if err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("rows are %+v (%v), want %+v", rows, err, want)
	}
	if r := rows[0]; r.Accuracy() != 61 || math.Abs(r.SD()-math.Sqrt(13)) > 1e-12 {
		t.Errorf("three seeds have the mean %v and deviation %v", r.Accuracy(), r.SD())
	}
	var usage *config.UsageError
	if _, err := Ask(t.TempDir(), 3); !errors.As(err, &usage) {
		t.Errorf("asking a directory without a run gives %v", err)
	}
}
