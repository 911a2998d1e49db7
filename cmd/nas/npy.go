package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/sbinet/npyio/npy"
)

// readNPY reads a NumPy array of float32 or float64 in C order.
func readNPY(path string) (values []float32, shape []int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, usage(err)
	}
	defer f.Close()
	r, err := npy.NewReader(f)
	if err != nil {
		return nil, nil, usagef("%s is no NumPy file: %w", path, err)
	}
	d := r.Header.Descr
	if d.Fortran {
		return nil, nil, usagef("%s is in Fortran order: save np.ascontiguousarray(x)", path)
	}
	size := 1
	for _, e := range d.Shape {
		size *= e
	}
	switch strings.TrimLeft(d.Type, "<=>|") {
	case "f4":
		err = r.Read(&values)
	case "f8":
		var wide []float64
		err = r.Read(&wide)
		for _, v := range wide {
			values = append(values, float32(v))
		}
	default:
		return nil, nil, usagef("%s holds %s values: save x.astype(np.float32)", path, d.Type)
	}
	if err == nil && len(values) != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, nil, usagef("%s is damaged: %w", path, err)
	}
	return values, d.Shape, nil
}

// writeNPY writes a float32 array of any shape, which package npy does not: it
// knows vectors and matrices. Format 1.0, NEP 1.
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
