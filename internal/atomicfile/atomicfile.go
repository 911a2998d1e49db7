// Package atomicfile replaces files as a whole: whoever reads one, and whatever
// crashes at whatever instant, it holds either the old bytes or the new ones. When
// a function of the package returns nil, the new ones are on the disk.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// DirError says that a directory stands where a file is to be written.
type DirError struct{ Path string }

func (e *DirError) Error() string { return e.Path + " is a directory: want the name of a file" }

// WriteFile replaces the file path, or makes it; its directory exists.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Write is [WriteFile] of what write writes. If write fails, the file stays as it
// was, and the error wraps that of write.
func Write(path string, write func(io.Writer) error) (err error) {
	if info, e := os.Stat(path); e == nil && info.IsDir() {
		return &DirError{path}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("%s was not written, what it held before is kept: %w", path, err)
		}
	}()
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = write(f); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames in a directory durable, where the system lets a directory
// be synced: Windows does not, and some network file systems.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) &&
		!errors.Is(err, os.ErrInvalid) && !errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil
}
