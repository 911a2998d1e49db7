package pytorch

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// ReadNPZ reads weights from a NumPy archive with one array for each tensor, compressed or not,
// such as np.savez(path, **{k: v.numpy() for k, v in model.state_dict().items()}) writes. The
// errors are those of [Module.ReadSafetensors].
func (m *Module) ReadNPZ(r io.ReaderAt, size int64) (*blocks.Weights, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fault.New("pytorch: the file is no .npz archive, or it was cut off: save it again with np.savez")
	}
	file := make(map[string]stored, len(z.File))
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fault.Errorf("pytorch: %q in the archive is no .npy array", f.Name)
		}
		dtype, shape, err := openNPY(f, nil)
		if err != nil {
			return nil, fault.Errorf("pytorch: array %q: %w", name, err)
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

// openNPY reads an array's header and, if dst is not nil, its values.
func openNPY(f *zip.File, dst []float32) (dtype string, shape []int, err error) {
	r, err := f.Open()
	if err != nil {
		return "", nil, errDamaged
	}
	defer r.Close()
	dtype, shape, err = npyHeader(r)
	if err != nil || dst == nil {
		return dtype, shape, inWords(err)
	}
	if err := decode(dst, dtype, r); err != nil {
		return "", nil, inWords(err)
	}
	// The archive's checksum is compared where the array ends.
	switch n, err := io.Copy(io.Discard, r); {
	case err != nil:
		return "", nil, inWords(err)
	case n > 0:
		return "", nil, fmt.Errorf("has %d bytes behind its values: save the file again", n)
	}
	return dtype, shape, nil
}

var errDamaged = errors.New("is damaged: its bytes are not those that were written: save the file again")

// inWords says what the errors of package zip and of what it unpacks mean.
func inWords(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrAlgorithm) ||
		errors.As(err, &corrupt) {
		return errDamaged
	}
	return err
}
