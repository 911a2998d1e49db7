package feedback

import (
	"os"

	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/table"
)

// MayReplace returns an error if the file at path, a table for the run in dir, holds what somebody wrote: anything
// but a table that [Ask]'s answer was written to and that nobody has filled in.
func MayReplace(path, dir string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil // nothing is lost
	}
	f, err := boundedfile.Open(path)
	if err != nil {
		return fault.Errorf("feedback: %w", err)
	}
	defer f.Close()
	t, err := table.Read(path, f)
	if err != nil || !t.Has("id", "arch", "accuracy") || len(t.Columns) > 3 {
		return fault.Errorf("feedback: %s is another file than nas ask writes: name a new one", path)
	}
	for _, r := range t.Rows {
		if r.Text("accuracy") != "" {
			return fault.Errorf("feedback: %s holds accuracies: nas tell %s %s keeps them with the run; then name a new file",
				path, dir, path)
		}
	}
	return nil
}
