// Package boundedfile reads files that people name. A name may be that of a device without an end,
// and a file larger than the memory.
package boundedfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Read is [os.ReadFile] for a file of at most so many bytes.
func Read(path string, most int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := All(f, most)
	if err != nil {
		if _, known := err.(*os.PathError); !known {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return nil, err
	}
	return data, nil
}

// patience is how long a named pipe may have no writer.
const patience = 2 * time.Second

// Open is [os.Open], which waits without end for a writer of a named pipe. Open waits a while.
func Open(path string) (*os.File, error) {
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	type opened struct {
		f   *os.File
		err error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.Open(path)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		return o.f, o.err
	case <-time.After(patience):
		return nil, fmt.Errorf("%s is a named pipe that nobody writes to: give a file, or first start what writes to it",
			path)
	}
}

// All is [io.ReadAll] for at most so many bytes.
func All(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if errors.Is(err, syscall.EISDIR) {
		return nil, fmt.Errorf("%w: want a file", syscall.EISDIR)
	}
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("more than %d bytes, which is more than such a file has", most)
	}
	return data, err
}
