// Package atomicfile writes the files that people name. A regular file is replaced as a whole: whoever
// reads it, and whatever crashes at whatever instant, it holds either the old bytes or the new ones. When a
// function of the package returns nil, the new ones are on the disk. A link is followed. What is no file,
// such as a pipe or a device, is written to as it stands. Errors name the path that was given.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// PlaceError says that a path is no place for a file, which its user has to change.
type PlaceError struct {
	Path, Why string
	Err       error // of the system; may be nil
}

func (e *PlaceError) Error() string { return e.Path + e.Why }

// Unwrap returns the error of the system.
func (e *PlaceError) Unwrap() error { return e.Err }

// place is where a path leads.
type place struct {
	path string      // behind links
	old  fs.FileInfo // nil: nothing is there yet
}

// stream reports whether the place is written to as it stands.
func (p place) stream() bool { return p.old != nil && !p.old.Mode().IsRegular() }

// placeOf follows the links of a path.
func placeOf(path string) (place, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return place{}, &PlaceError{Path: path, Why: " is a directory: want the name of a file"}
	case err == nil && info.Mode()&(fs.ModeDevice|fs.ModeCharDevice) == fs.ModeDevice,
		err == nil && info.Mode()&fs.ModeSocket != 0:
		return place{}, &PlaceError{Path: path, Why: " is a disk or a socket: want the name of a file"}
	case path == "" || os.IsPathSeparator(path[len(path)-1]):
		return place{}, &PlaceError{Path: path, Why: " is the name of a directory: want the name of a file"}
	case err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o222 == 0:
		return place{}, &PlaceError{Path: path, Why: " is write-protected: allow it with chmod, or name another file"}
	case err == nil && !info.Mode().IsRegular():
		return place{path, info}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return place{}, &PlaceError{path, " cannot be written: " + cause(err).Error() + ": name another file", err}
	case err != nil:
		info = nil
	}
	at := path
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(at)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(at) + string(filepath.Separator) + to
		}
		at = to
	}
	if there, err := os.Lstat(at); info != nil && (err != nil || !os.SameFile(info, there)) {
		return place{path, info}, &PlaceError{Path: path, Why: " leads to a file without a name: want the name of a file"}
	}
	return place{at, info}, nil
}

// Check returns an error if Write could not write to path, for use before work is done whose result is to
// go there. A directory that is missing may be made by then. It leaves nothing behind.
func Check(path string) error {
	p, err := placeOf(path)
	if err != nil || p.stream() {
		return err
	}
	for dir := filepath.Dir(p.path); p.old == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			p.path = filepath.Join(dir, filepath.Base(p.path))
			break
		}
	}
	f, err := p.temporary(path)
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// temporary makes an empty file beside the place, with the mode that it is to have.
func (p place) temporary(path string) (*os.File, error) {
	dir, base := filepath.Split(p.path)
	n := uint64(time.Now().UnixNano()) ^ uint64(os.Getpid())<<40
	name := fmt.Sprintf("%s.%s-%s", dir, base[:min(len(base), 100)], strconv.FormatUint(n, 36))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if _, missing := os.Stat(filepath.Clean(dir)); err != nil && missing != nil {
		return nil, &PlaceError{path, ": there is no directory " + filepath.Clean(dir), missing}
	} else if err != nil {
		why := fmt.Sprintf(": the directory %s cannot be written to: %v", filepath.Clean(dir), cause(err))
		return nil, &PlaceError{path, why, err}
	}
	if p.old != nil {
		err = f.Chmod(p.old.Mode().Perm())
	}
	return f, err
}

// cause is an error of the system without the path that it is about.
func cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}

// WriteFile is [Write] of data.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Write writes to path what write writes. A file that is new has the mode that the user's mask allows, an
// old one keeps its own. If write fails, a regular file stays as it was, and the error wraps that of write.
func Write(path string, write func(io.Writer) error) error {
	p, err := placeOf(path)
	if err != nil {
		return err
	}
	if p.stream() {
		return p.pour(path, write)
	}
	f, err := p.temporary(path)
	if err != nil {
		return err
	}
	out := &named{f, path}
	err = write(out)
	if err == nil {
		err = out.failed("sync", f.Sync())
	}
	if e := f.Close(); err == nil {
		err = out.failed("close", e)
	}
	if err == nil {
		err = out.failed("rename", os.Rename(f.Name(), p.path))
	}
	if err != nil {
		os.Remove(f.Name())
		if p.old != nil {
			return fmt.Errorf("%w; what %s held before is kept", err, path)
		}
		return err
	}
	return syncDir(filepath.Dir(p.path))
}

// pour writes to what is no file.
func (p place) pour(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(p.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(&named{f, path})
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	return errors.Join(err, f.Close())
}

// named is a file whose errors name another path.
type named struct {
	f    *os.File
	path string
}

func (n *named) Write(b []byte) (int, error) {
	k, err := n.f.Write(b)
	return k, n.failed("write", err)
}

func (n *named) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: n.path, Err: cause(err)}
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
