package main

import (
	"bytes"
	"io"
	"os"

	"nas/blocks/pytorch"
)

// maxPiped bounds what is read of a pipe, which may not end.
const maxPiped = 1 << 29

// readNPY reads a NumPy array of floats in C order, of a file or a pipe.
func readNPY(path string) (values []float32, shape []int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, usage(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, usage(err)
	}
	if info.IsDir() {
		return nil, nil, usagef("%s is a directory: want a NumPy file, as np.save writes it", path)
	}
	r, size := io.Reader(f), info.Size()
	if !info.Mode().IsRegular() { // a pipe, whose size is not known before its end
		data, err := io.ReadAll(io.LimitReader(f, maxPiped+1))
		if err != nil {
			return nil, nil, usage(err)
		}
		if len(data) > maxPiped {
			return nil, nil, usagef("%s: more than %d MiB come from what is no file: write them to one", path, maxPiped>>20)
		}
		r, size = bytes.NewReader(data), int64(len(data))
	}
	values, shape, err = pytorch.ReadNPY(r, size)
	if err != nil {
		return nil, nil, usagef("%s: %w", path, err)
	}
	return values, shape, nil
}
