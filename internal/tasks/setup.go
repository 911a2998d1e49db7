package tasks

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"nas/internal/boundedfile"
	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/internal/runstore"
	"nas/search"
)

// MaxSetup bounds a packed setup, and maxUnpacked its text, in bytes.
const (
	MaxSetup    = 16 << 20
	maxUnpacked = 64 << 20
)

// Setup is what all tasks of a run share: the files of its directory from which its models are made.
type Setup struct {
	Format int    `json:"format"`
	Class  string `json:"numeric_class"` // [evaluator.NumericClass] of the run
	// Files are config.toml, the profiles, scale.json if there is one, and manifest.json as it was when the run began.
	Files map[string]string `json:"files"`
}

// SetupOf reads the setup of a stored run. It does not change while the run goes on.
func SetupOf(dir string) (*Setup, error) {
	m, err := runstore.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	m.Status, m.Ended, m.Reason = search.StatusRunning.String(), "", ""
	m.Trials, m.WallS, m.Updated = 0, 0, m.Started
	manifest, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	s := &Setup{Format: Format, Class: m.NumericClass, Files: map[string]string{runstore.ManifestFile: string(manifest)}}
	for _, pattern := range []string{runstore.ConfigFile, "profile*.json", runstore.ScaleFile} {
		paths, err := filepath.Glob(filepath.Join(escaped(dir), pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			text, err := boundedfile.Read(path, maxUnpacked)
			if err != nil {
				return nil, fault.Errorf("tasks: %w", err)
			}
			s.Files[filepath.Base(path)] = string(text)
		}
	}
	if s.Files[runstore.ConfigFile] == "" {
		return nil, fault.Errorf("tasks: %s: %w", filepath.Join(dir, runstore.ConfigFile), fs.ErrNotExist)
	}
	return s, nil
}

// escaped is a directory as the beginning of a pattern of [filepath.Glob].
func escaped(dir string) string {
	if filepath.Separator == '\\' {
		return dir // there it escapes nothing
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// ID is 16 hex digits that no two runs share: it names the run in tasks and outcomes.
func (s *Setup) ID() string {
	text, err := json.Marshal(s) // the keys of a map are sorted
	if err != nil {
		panic("tasks: " + err.Error()) // texts always have a JSON form
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:8])
}

// Pack returns the setup as bytes.
func (s *Setup) Pack() ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(s); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if b.Len() > MaxSetup {
		return nil, fault.Errorf("tasks: config and profiles come to %d bytes, more than the %d that a worker takes",
			b.Len(), MaxSetup)
	}
	return b.Bytes(), nil
}

// Unpack reads a packed setup that somebody else made.
func Unpack(data []byte) (*Setup, error) {
	damaged := func(err error) error {
		switch {
		case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
			err = errors.New("its bytes are not those that were written")
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			err = errors.New("it was cut off")
		}
		return fault.Errorf("tasks: the setup is damaged: %w: copy it again, or make the job again with nas ask --again", err)
	}
	if len(data) > MaxSetup {
		return nil, damaged(errors.New("it is too long"))
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, damaged(err)
	}
	text, err := boundedfile.All(z, maxUnpacked)
	if err != nil {
		return nil, damaged(err)
	}
	s := new(Setup)
	if err := jsonfile.Decode(text, s); err != nil {
		return nil, damaged(err)
	}
	if s.Format != Format {
		return nil, fault.Errorf("tasks: the setup has format %d, this nas knows %d: use the same version everywhere",
			s.Format, Format)
	}
	for name := range s.Files {
		if !isSetupFile(name) {
			return nil, damaged(errors.New("it holds a file that is none of a run"))
		}
	}
	return s, nil
}

// isSetupFile tells whether a name is one of those that SetupOf gives, or could give.
func isSetupFile(name string) bool {
	switch name {
	case runstore.ConfigFile, runstore.ManifestFile, runstore.ScaleFile:
		return true
	}
	return filepath.Base(name) == name && !strings.ContainsAny(name, `/\:`) &&
		strings.HasPrefix(name, "profile") && strings.HasSuffix(name, ".json")
}

// configOf is the config of a setup with all that names a program or a file of this machine taken out: the profiles
// are those of the setup, and the device is asked for nothing.
func (s *Setup) configOf() (*config.Config, error) {
	c, err := config.Decode(runstore.ConfigFile, []byte(s.Files[runstore.ConfigFile]))
	if err != nil {
		return nil, err
	}
	if c.Accuracy.Evaluator != "" {
		return nil, fault.New("tasks: the run trains its candidates, and scores none")
	}
	for _, name := range c.Latency.Profile.Names() {
		c.Latency.Profile[name] = "of the setup"
	}
	c.Latency.Device, c.Search.Start, c.Output = "native", nil, config.Output{}
	return c, nil
}
