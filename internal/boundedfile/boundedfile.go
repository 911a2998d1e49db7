// Package boundedfile reads files that people name. A name may be that of a device without an end,
// and a file larger than the memory.
package boundedfile

import (
	"fmt"
	"io"
	"os"
)

// Read is [os.ReadFile] for a file of at most so many bytes.
func Read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
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

// All is [io.ReadAll] for at most so many bytes.
func All(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("more than %d bytes, which is more than such a file has", most)
	}
	return data, err
}
