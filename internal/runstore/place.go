package runstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"nas/internal/fault"
)

// Writable returns an error if no run can be written to dir, before the minutes of a calibration are
// spent. It leaves nothing behind.
func Writable(dir string) error {
	if dir == "-" {
		return fault.New("runstore: - is standard output, and a run is a directory: want its name")
	}
	if strings.ContainsFunc(dir, unicode.IsControl) {
		return fault.Errorf("runstore: the name %q has a control character: want one without", dir)
	}
	if err := foreign(dir); err != nil {
		return err
	}
	for there := filepath.Clean(dir); ; there = filepath.Dir(there) {
		info, err := os.Stat(there)
		_, linked := os.Readlink(there)
		switch {
		case err == nil && !info.IsDir():
			return fault.Errorf("runstore: %s is a file: want a directory for the run", there)
		case err != nil && linked == nil:
			return fault.Errorf("runstore: %s is a link that leads nowhere: want a directory for the run", there)
		case errors.Is(err, fs.ErrNotExist) && there != filepath.Dir(there), errors.Is(err, syscall.ENOTDIR):
			continue // not made yet, or behind a file
		}
		if err == nil {
			var f *os.File
			if f, err = os.CreateTemp(there, ".nas-*"); err == nil {
				f.Close()
				return os.Remove(f.Name())
			}
		}
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return fault.Errorf("runstore: %s cannot be written: make it writable, or take another place (%w)", there, err)
	}
}

// foreign returns an error if a new run in dir would replace files that are of no run, or trials of a run whose
// manifest is gone. What a crash left of a run that had not begun lies beside a lock, and has no trials.
func foreign(dir string) error {
	if Holds(dir) {
		return nil
	}
	there := func(name string) os.FileInfo {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			return nil
		}
		return info
	}
	if t := there(TrialsFile); t != nil && t.Size() > 0 {
		return fault.Errorf("runstore: %s has a %s and no %s, and a run would replace the trials: restore that file, or "+
			"give another directory", dir, TrialsFile, ManifestFile)
	}
	if there(lockFile) != nil {
		return nil
	}
	for _, name := range []string{ConfigFile, ProfileFile, ScaleFile, TrialsFile, FrontFile, MeasuredFile, ReferencesFile,
		TrainedFile, ReportFile, TrainingFile, TrainingDir, WeightsDir} {
		if there(name) != nil {
			return fault.Errorf("runstore: %s holds no run, and a run would replace the %s there: want a new or an empty "+
				"directory", dir, name)
		}
	}
	return nil
}
