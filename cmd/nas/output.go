package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"nas/internal/atomicfile"
)

// output is standard output. It remembers that it could not be written.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil && o.err == nil {
		o.err = &outputError{err}
	}
	return n, err
}

// outputError is the error of a command whose output went nowhere.
type outputError struct{ error }

// Unwrap returns the error of the system.
func (e *outputError) Unwrap() error { return e.error }

func (e *outputError) Error() string {
	var system syscall.Errno
	if errors.As(e.error, &system) {
		return "standard output cannot be written: " + system.Error()
	}
	return "standard output cannot be written: " + e.error.Error()
}

// isStdout reports whether a file is standard output: "-", or another name of it.
func (a *app) isStdout(path string) bool {
	f, ok := a.out.Writer.(*os.File)
	if path == "-" || !ok {
		return path == "-"
	}
	this, err := os.Stat(path)
	if err != nil {
		return false
	}
	out, err := f.Stat()
	return err == nil && os.SameFile(this, out)
}

// place checks the file of a flag, "" for none, before work is done for it. If it is standard output, what
// else the command prints goes to standard error.
func (a *app) place(flag, path string) error {
	switch {
	case path == "":
		return nil
	case !a.isStdout(path):
		return usage(atomicfile.Check(path))
	case a.json:
		return usagef("%s - and --json both want standard output: choose one", flag)
	}
	a.stdout = a.stderr
	return nil
}

// save writes a file that the command line names.
func (a *app) save(path string, write func(io.Writer) error) error {
	if a.isStdout(path) {
		return write(a.out)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, write)
}
