package runstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/search"
)

// format is the version of the directory's layout.
const format = 1

// maxJSON bounds the JSON files of a run that are read as a whole, in bytes.
const maxJSON = 16 << 20

// Manifest says what a run was made with and how it ended.
type Manifest struct {
	Format       int                `json:"format"` // set by this package
	Version      string             `json:"version"`
	Name         string             `json:"name"`
	Seed         uint64             `json:"seed"`
	NumericClass string             `json:"numeric_class"` // program version, GOARCH and kernel variant
	Device       string             `json:"device"`
	ScaleID      string             `json:"scale_id"`
	Algorithm    string             `json:"algorithm"` // [search.Searcher.String]
	Objectives   []search.Objective `json:"objectives"`
	Reference    []float64          `json:"reference"` // of the hypervolume, in the objectives' units
	Limits       []Limit            `json:"limits,omitempty"`
	Score        Score              `json:"score"`
	Devices      map[string]string  `json:"devices,omitempty"` // by the names of their profiles, where these have names
	SpaceID      string             `json:"space_id,omitempty"`

	Status  string    `json:"status"`           // [search.Status], "running" until the run ends
	Ended   string    `json:"ended,omitempty"`  // Status in words
	Reason  string    `json:"reason,omitempty"` // of a run without a front
	Trials  int       `json:"trials"`           // when Status was written; trials.jsonl decides
	Started time.Time `json:"started"`
	Updated time.Time `json:"updated"`
	WallS   float64   `json:"wall_s"` // of all processes that worked on the run
}

// manifestFile is the manifest as its file holds it.
type manifestFile struct {
	*Manifest
	Notes map[string]string `json:"notes,omitempty"`
}

// Limit is a constraint of the run with its bound in the unit of the value that
// Key names, whatever the config said it in.
type Limit struct {
	Name    string  `json:"name"` // as in the config: "max_latency"
	Key     string  `json:"key"`  // of the trials' values: "latency_ms"
	Bound   float64 `json:"bound"`
	AtLeast bool    `json:"at_least,omitempty"`
	Text    string  `json:"text"` // as the config said it: "1.2 mobilenet_v2"
}

// String says what the config said, and what it came to.
func (l Limit) String() string { return fmt.Sprintf("%s = %s (%.6g)", l.Name, l.Text, l.Bound) }

// Same returns an error that names everything in which a resumed run would
// differ from the recorded one, or nil: the seed, the numeric class, the device,
// the scale id, the algorithm with its settings, the objectives.
func (m *Manifest) Same(now *Manifest) error {
	var diff []string
	for _, f := range []struct {
		name        string
		then, after any
	}{
		{"seed", m.Seed, now.Seed},
		{"numeric class", m.NumericClass, now.NumericClass},
		{"device", m.Device, now.Device},
		{"scale id", m.ScaleID, now.ScaleID},
		{"algorithm", m.Algorithm, now.Algorithm},
	} {
		if f.then != f.after {
			diff = append(diff, fmt.Sprintf("%s (was %v, is %v)", f.name, f.then, f.after))
		}
	}
	if !slices.Equal(m.Objectives, now.Objectives) {
		diff = append(diff, fmt.Sprintf("objectives (were %v, are %v)", m.Objectives, now.Objectives))
	}
	if !slices.Equal(m.Reference, now.Reference) {
		diff = append(diff, fmt.Sprintf("reference point (was %v, is %v)", m.Reference, now.Reference))
	}
	if !slices.Equal(m.Limits, now.Limits) {
		diff = append(diff, fmt.Sprintf("limits (were %v, are %v)", m.Limits, now.Limits))
	}
	if diff == nil {
		return nil
	}
	return fault.Errorf("runstore: the recorded run differs in %s: "+
		"give another directory with --out, or restore what changed", strings.Join(diff, ", "))
}

// notThere is [os.ErrNotExist] without the words of a system call.
type notThere struct{ path string }

func (e notThere) Error() string   { return "there is no " + e.path }
func (e notThere) Is(t error) bool { return t == os.ErrNotExist }

func readManifest(dir string) (Manifest, error) {
	var m Manifest
	path := filepath.Join(dir, ManifestFile)
	b, err := boundedfile.Read(path, maxJSON)
	if errors.Is(err, os.ErrNotExist) {
		return m, fault.Errorf("runstore: %s holds no run, such as nas run leaves: %w", dir, notThere{path})
	}
	if info, e := os.Stat(dir); err != nil && e == nil && !info.IsDir() {
		return m, fault.Errorf("runstore: %s is a file: want the directory of a run", dir)
	}
	if err != nil {
		return m, fault.Errorf("runstore: %w", err)
	}
	file := manifestFile{Manifest: &m}
	if err := jsonfile.Decode(b, &file); err != nil {
		return m, fault.Errorf("runstore: %s: %w: restore the file, or run again into another directory: "+
			"nas run %s --out DIR", path, err, filepath.Join(dir, ConfigFile))
	}
	if m.Format > format {
		return m, fault.Errorf("runstore: %s has format %d, this program knows formats up to %d: use a newer nas",
			path, m.Format, format)
	}
	m.fromNotes(file.Notes)
	return m, nil
}

func writeManifest(dir string, m *Manifest) error {
	m.Format = format
	b, err := json.MarshalIndent(manifestFile{m, m.notes()}, "", "  ")
	if err != nil {
		return fault.Errorf("runstore: %s: %w", ManifestFile, err)
	}
	return atomicfile.WriteFile(filepath.Join(dir, ManifestFile), append(b, '\n'))
}
