package pytorch

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"nas/blocks"
)

// maxNPYHeader bounds the header of one array.
const maxNPYHeader = 1 << 16

// ReadNPZ reads weights from a NumPy archive, one array a tensor, compressed or
// not: np.savez(path, **{k: v.numpy() for k, v in model.state_dict().items()}).
// What is an error is the same as for [Module.ReadSafetensors].
func (m *Module) ReadNPZ(r io.ReaderAt, size int64) (*blocks.Weights, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("pytorch: the file is no .npz archive: %w", err)
	}
	file := make(map[string]stored, len(z.File))
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("pytorch: %q in the archive is no .npy array", f.Name)
		}
		dtype, shape, err := openNPY(f, nil)
		if err != nil {
			return nil, fmt.Errorf("pytorch: array %q: %w", name, err)
		}
		file[name] = stored{shape, func(dst []float32) error {
			if _, ok := widths[dtype]; !ok {
				return fmt.Errorf("holds %s values: save x.astype(np.float32)", dtype)
			}
			_, _, err := openNPY(f, dst)
			return err
		}}
	}
	return m.fill(file)
}

// npyTypes maps NumPy's types to those of decode.
var npyTypes = map[string]string{"<f4": "F32", "<f8": "F64", "<f2": "F16"}

var (
	npyDescr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9, ]*)\)`)
)

// openNPY reads an array's header (NEP 1, versions 1 to 3) and, where dst is
// given, its values.
func openNPY(f *zip.File, dst []float32) (dtype string, shape []int, err error) {
	r, err := f.Open()
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	var start [12]byte
	if _, err := io.ReadFull(r, start[:10]); err != nil || string(start[:6]) != "\x93NUMPY" {
		return "", nil, errors.New("is no .npy array")
	}
	n := int(start[8]) | int(start[9])<<8
	if start[6] > 1 {
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return "", nil, errors.New("the header is cut short")
		}
		n |= int(start[10])<<16 | int(start[11])<<24
	}
	if n > maxNPYHeader {
		return "", nil, fmt.Errorf("the header claims %d bytes, want at most %d", n, maxNPYHeader)
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", nil, errors.New("the header is cut short")
	}
	descr, fortran, dims := npyDescr.FindSubmatch(head), npyFortran.FindSubmatch(head), npyShape.FindSubmatch(head)
	if descr == nil || fortran == nil || dims == nil {
		return "", nil, fmt.Errorf("the header %.80q lacks descr, fortran_order or shape", head)
	}
	shape = []int{}
	for _, d := range strings.FieldsFunc(string(dims[1]), func(r rune) bool { return r == ',' || r == ' ' }) {
		v, err := strconv.Atoi(d)
		if err != nil {
			return "", nil, fmt.Errorf("extent %s is too large", d)
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
	if dst == nil {
		return dtype, shape, nil
	}
	return dtype, shape, decode(dst, dtype, r)
}
