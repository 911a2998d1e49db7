package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

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

// writeNPY writes a float32 array of any shape, format 1.0, NEP 1.
func writeNPY(w io.Writer, values []float32, shape []int) error {
	dims := ""
	for _, d := range shape {
		dims += strconv.Itoa(d) + ", "
	}
	if len(shape) > 1 {
		dims = strings.TrimSuffix(dims, ", ")
	}
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", strings.TrimSuffix(dims, " "))
	const preamble = 10
	head += strings.Repeat(" ", 63-(preamble+len(head))%64) + "\n" // data starts at a multiple of 64
	if _, err := w.Write(append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))); err != nil {
		return err
	}
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, values)
}
