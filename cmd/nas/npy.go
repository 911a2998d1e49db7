package main

import (
	"bufio"
	"bytes"
	"io"
	"os"

	"nas/blocks/pytorch"
	"nas/internal/boundedfile"
)

// maxPiped bounds what is read of a pipe, which may not end.
const maxPiped = 1 << 29

// openNPY opens a NumPy array of floats in C order, in a file or a pipe. The caller closes the file.
func openNPY(path string) (*pytorch.NPY, io.Closer, error) {
	f, err := boundedfile.Open(path)
	if err != nil {
		return nil, nil, usage(err)
	}
	a, err := npyIn(f, path)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return a, f, nil
}

func npyIn(f *os.File, path string) (*pytorch.NPY, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, usage(err)
	}
	if info.IsDir() {
		return nil, usagef("%s is a directory: want a NumPy file, as np.save writes it", path)
	}
	r, size := io.Reader(f), info.Size()
	if !info.Mode().IsRegular() { // a pipe, whose size is not known before its end
		in := bufio.NewReader(f)
		if head, err := in.Peek(6); err == nil && string(head) != "\x93NUMPY" { // it may have no end
			return nil, usagef("%s is no NumPy file: want one that np.save has written", path)
		}
		data, err := io.ReadAll(io.LimitReader(in, maxPiped+1))
		if err != nil {
			return nil, usage(err)
		}
		if len(data) > maxPiped {
			return nil, usagef("%s: more than %d MiB come from what is no file: write them to one", path, maxPiped>>20)
		}
		r, size = bytes.NewReader(data), int64(len(data))
	}
	a, err := pytorch.OpenNPY(r, size)
	if err != nil {
		return nil, usagef("%s: %w", path, err)
	}
	return a, nil
}

// readNPY reads a NumPy array of floats in C order, of a file or a pipe.
func readNPY(path string) (values []float32, shape []int, err error) {
	a, file, err := openNPY(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	values = make([]float32, n)
	if err := a.Read(values); err != nil {
		return nil, nil, usagef("%s: %w", path, err)
	}
	return values, a.Shape, nil
}
