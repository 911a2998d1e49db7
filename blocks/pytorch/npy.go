package pytorch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"nas/internal/fault"
)

// maxNPYHeader bounds the header of one array.
const maxNPYHeader = 1 << 16

// npyTypes maps NumPy's types to those of decode.
var npyTypes = map[string]string{"<f4": "F32", "<f8": "F64", "<f2": "F16"}

var (
	npyDescr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9, ]*)\)`)
)

// NPY is an array in a NumPy file (.npy), of which the header has been read.
type NPY struct {
	// Shape has the extents, the last axis fastest; it is empty for a single number.
	Shape []int
	dtype string
	left  int64 // values that have not been read
	r     io.Reader
}

// OpenNPY reads the header of an array from the size bytes of a NumPy file. It takes
// float16, float32 and float64, little-endian and in C order; any other array, and a
// file that is too short or too long for its values, is an error.
func OpenNPY(r io.Reader, size int64) (*NPY, error) {
	in := &io.LimitedReader{R: r, N: size}
	dtype, shape, err := npyHeader(in)
	if err != nil {
		return nil, fault.Errorf("pytorch: the NumPy file %w", err)
	}
	width, ok := widths[dtype]
	if !ok {
		return nil, fault.Errorf("pytorch: the NumPy file holds %s values: save x.astype(np.float32)", dtype)
	}
	n := int64(1)
	for _, d := range shape {
		if d > 0 && n > math.MaxInt64/int64(width)/int64(d) {
			return nil, fault.Errorf("pytorch: the NumPy file has the impossible shape %v", shape)
		}
		n *= int64(d)
	}
	switch want := n * int64(width); {
	case in.N < want:
		return nil, fault.Errorf("pytorch: the NumPy file has %d of the %d bytes of an array of shape %v: "+
			"it was cut off, save it again", in.N, want, shape)
	case in.N > want:
		return nil, fault.Errorf("pytorch: the NumPy file has %d bytes behind an array of shape %v: save it again",
			in.N-want, shape)
	}
	return &NPY{Shape: shape, dtype: dtype, left: n, r: in}, nil
}

// Read reads the next values into dst, as float32; it is an error to ask for more than
// there are.
func (a *NPY) Read(dst []float32) error {
	if int64(len(dst)) > a.left {
		return fault.Errorf("pytorch: %d more values are asked of a NumPy file that has %d", len(dst), a.left)
	}
	if err := decode(dst, a.dtype, a.r); err != nil {
		return fault.Errorf("pytorch: the NumPy file %w", err)
	}
	a.left -= int64(len(dst))
	return nil
}

// npyHeader reads an array's header (NEP 1, versions 1 to 3).
func npyHeader(r io.Reader) (dtype string, shape []int, err error) {
	var start [12]byte
	if _, err := io.ReadFull(r, start[:10]); err != nil || string(start[:6]) != "\x93NUMPY" {
		return "", nil, errors.New("is no .npy array, as np.save writes it, or it was cut off")
	}
	if start[6] < 1 || start[6] > 3 {
		return "", nil, fmt.Errorf("is of version %d of the .npy format, want 1 to 3: save it again with np.save", start[6])
	}
	n := uint32(start[8]) | uint32(start[9])<<8 // an int of 32 bits could be negative
	if start[6] > 1 {
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return "", nil, errors.New("has a header that was cut off")
		}
		n |= uint32(start[10])<<16 | uint32(start[11])<<24
	}
	if n > maxNPYHeader {
		return "", nil, fmt.Errorf("claims a header of %d bytes, want at most %d", n, maxNPYHeader)
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", nil, errors.New("has a header that was cut off")
	}
	descr, fortran, dims := npyDescr.FindSubmatch(head), npyFortran.FindSubmatch(head), npyShape.FindSubmatch(head)
	if descr == nil || fortran == nil || dims == nil {
		return "", nil, fmt.Errorf("has the header %.80q, which lacks descr, fortran_order or shape", head)
	}
	shape = []int{}
	for _, d := range strings.FieldsFunc(string(dims[1]), func(r rune) bool { return r == ',' || r == ' ' }) {
		v, err := strconv.Atoi(d)
		if err != nil {
			return "", nil, fmt.Errorf("has an extent %s, which is too large", d)
		}
		shape = append(shape, v)
	}
	if string(fortran[1]) == "True" && len(shape) > 1 {
		return "", nil, errors.New("is in Fortran order: save np.ascontiguousarray(x)")
	}
	dtype = string(descr[1])
	if t, ok := npyTypes[dtype]; ok {
		dtype = t
	}
	return dtype, shape, nil
}

// WriteNPY writes values, the last axis fastest, as a NumPy file (.npy) of format 1.0
// (NumPy enhancement proposal 1). An empty shape is that of a single number.
func WriteNPY(w io.Writer, values []float32, shape []int) error {
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
