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
