// Package jobs carries tasks in folders, without any service: whatever copies folders and starts programs can spread
// the work of a run. A folder holds all that its task needs, and gets its outcome.
package jobs

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/internal/tasks"
)

// The files of a folder.
const (
	taskFile    = "job.json"
	setupFile   = "setup.json.gz"
	outcomeFile = "outcome.json"
	weightsFile = "weights.safetensors" // of a training that came to the last rung
)

// Write writes a folder for each task into dir, with the names 0, 1, 2 ... that follow those that are there. It returns
// the names. A folder holds its task last: one without is not whole.
func Write(dir string, s *tasks.Setup, list []tasks.Task) (names []string, err error) {
	packed, err := s.Pack()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, config.Usage(fault.Errorf("jobs: %w", err))
	}
	next, err := nextName(dir)
	if err != nil {
		return nil, err
	}
	for i := range list {
		name := strconv.Itoa(next + i)
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			return names, fault.Errorf("jobs: %w", err)
		}
		text, err := json.MarshalIndent(&list[i], "", " ")
		if err != nil {
			return names, err
		}
		if err := atomicfile.WriteFile(filepath.Join(folder, setupFile), packed); err != nil {
			return names, err
		}
		if err := atomicfile.WriteFile(filepath.Join(folder, taskFile), append(text, '\n')); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// nextName is the number of the next folder in dir.
func nextName(dir string) (next int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fault.Errorf("jobs: %w", err)
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			next = max(next, n+1)
		}
	}
	return next, nil
}

// Folders returns the job folders that paths name: job folders themselves, and those in directories that hold some. A
// path of neither kind is returned as it is, and reading it says what is wrong.
func Folders(paths []string) (folders []string, err error) {
	for _, path := range paths {
		if isJob(path) {
			folders = append(folders, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, config.Usage(fault.Errorf("jobs: %w", err))
		}
		var inside []int
		for _, e := range entries {
			if n, err := strconv.Atoi(e.Name()); err == nil && n >= 0 && e.IsDir() {
				inside = append(inside, n)
			}
		}
		if inside == nil {
			folders = append(folders, path)
		}
		slices.Sort(inside)
		for _, n := range inside {
			folders = append(folders, filepath.Join(path, strconv.Itoa(n)))
		}
	}
	return folders, nil
}

// isJob tells whether a path is a job folder, whole or not.
func isJob(path string) bool {
	for _, name := range []string{taskFile, setupFile, outcomeFile} {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			return true
		}
	}
	return false
}

// readTask reads the task of a folder.
func readTask(folder string) (t tasks.Task, err error) {
	path := filepath.Join(folder, taskFile)
	data, err := boundedfile.Read(path, tasks.MaxTask)
	if errors.Is(err, fs.ErrNotExist) {
		return t, fault.Errorf("jobs: %s is no job folder, or not whole: it has no %s", folder, taskFile)
	}
	if err == nil {
		err = jsonfile.Decode(data, &t)
	}
	if err == nil {
		err = t.Check()
	}
	if err != nil {
		return t, fault.Errorf("jobs: %s is damaged: %w: copy it again, or make the job again with nas ask --again",
			path, err)
	}
	return t, nil
}

// Outcome reads the outcome of a folder; nil if its task is not done.
func Outcome(folder string) (*tasks.Outcome, error) {
	t, err := readTask(folder)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, outcomeFile)
	data, err := boundedfile.Read(path, 2*tasks.MaxOutcome)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Errorf("jobs: %w", err)
	}
	o, err := tasks.ParseOutcome(data)
	if err == nil && (o.Run != t.Run || o.Key() != t.Key() || o.ArchID != t.ArchID) {
		err = fault.Errorf("jobs: it is that of another task")
	}
	if err != nil {
		return nil, fault.Errorf("jobs: %s: %w: delete it and let nas work do the job again", path, err)
	}
	return &o, nil
}

// Weights takes the weights that belong to the outcome of a folder.
func Weights(folder string, o *tasks.Outcome, in *tasks.Incoming) error {
	w := o.Weights()
	if w == nil || w.Missing != "" || in.Name == "" {
		return nil
	}
	if err := in.Take(filepath.Join(folder, weightsFile), w); err != nil {
		return fault.Errorf("jobs: %w: copy the folder again, or let nas work --again do the job once more", err)
	}
	return nil
}

// writeOutcome stores an outcome beside its task.
func writeOutcome(folder string, o *tasks.Outcome) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(folder, outcomeFile), append(text, '\n'))
}
