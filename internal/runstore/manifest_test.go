package runstore

import (
	"path/filepath"
	"reflect"
	"testing"
)

// TestEarlierManifests reads the manifests of one run as all versions wrote them.
func TestEarlierManifests(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "formats", "v*"))
	if err != nil || len(folders) < 2 {
		t.Fatalf("samples %v, %v", folders, err)
	}
	score := Score{
		Spec: "imagenet{accel=3039,published=122}", Label: "ImageNet top-1 (%), fitted estimate",
		Unit: UnitPercent, Blind: []string{"dilation"},
	}
	devices := map[string]string{
		"phone": "measurements on phone, 1 thread", "server": "nas kernels on AMD EPYC, 1 thread",
	}
	for _, dir := range folders {
		m, err := ReadManifest(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if !reflect.DeepEqual(m.Score, score) || !reflect.DeepEqual(m.Devices, devices) || m.SpaceID != "018e074580ec" {
			t.Errorf("%s: score %+v, devices %v, space %q", dir, m.Score, m.Devices, m.SpaceID)
		}
		if m.Name != "two" || m.Trials != 24 || len(m.Objectives) != 4 || len(m.Reference) != 4 || len(m.Limits) != 1 {
			t.Errorf("%s: %+v", dir, m)
		}
	}
}

// TestManifestKeepsNotes: a manifest says in notes, too, what older programs look for there.
func TestManifestKeepsNotes(t *testing.T) {
	want, err := ReadManifest(filepath.Join("testdata", "formats", "v0.1"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeManifest(dir, &want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadManifest(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	var fromNotes Manifest
	fromNotes.fromNotes(got.notes())
	if !reflect.DeepEqual(fromNotes.Score, want.Score) || !reflect.DeepEqual(fromNotes.Devices, want.Devices) {
		t.Errorf("the notes say %+v, %v", fromNotes.Score, fromNotes.Devices)
	}
}

func TestBlindTo(t *testing.T) {
	s := Score{Blind: []string{"SE", "kernel size"}}
	for gene, blind := range map[string]bool{"se": true, "kernel": true, "kernel size": false, "depth": false} {
		if s.BlindTo(gene) != blind {
			t.Errorf("blind to %s: %v, want %v", gene, !blind, blind)
		}
	}
}
