package runstore

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"

	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/search"
)

// PublishedFamily is the family of the networks that stand at their published accuracy.
const PublishedFamily = "published, plain recipes"

// Reference is a network of the literature, judged by the models of a run.
type Reference struct {
	Family string             `json:"family"`
	Label  string             `json:"label"` // its width multiplier; of [PublishedFamily] its name
	Spec   string             `json:"spec"`  // its name in the zoo, with options
	Values map[string]float64 `json:"values"`
}

// Value returns a value of the network.
func (r *Reference) Value(f Field) Value { return f.Of(&search.Result{Parts: r.Values}) }

// ReadReferences reads the reference networks of the run in dir. A missing file is no references.
func ReadReferences(dir string) (rs []Reference, err error) {
	path := filepath.Join(dir, ReferencesFile)
	data, err := boundedfile.Read(path, maxJSON)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = jsonfile.Decode(data, &rs)
	}
	if err != nil {
		return nil, fault.Errorf("runstore: %s: %w: delete it, the run is then drawn without the reference networks", path,
			err)
	}
	return rs, nil
}

// WriteReferences writes the reference networks of the run in dir, atomically.
func WriteReferences(dir string, rs []Reference) error {
	data, err := json.MarshalIndent(rs, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, ReferencesFile), append(data, '\n'))
}
