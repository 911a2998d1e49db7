package onnx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Beside returns the reader of a folder's files for [ReadOptions.External]. A
// location that leads out of the folder, or through a symbolic link, is an error:
// a model file must not make a program read what its owner did not mean to show.
func Beside(dir string) func(location string) ([]byte, error) {
	return func(location string) ([]byte, error) {
		if !filepath.IsLocal(location) {
			return nil, errors.New("which is not a name inside the model's folder: put the file beside the model")
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		at := ""
		for part := range strings.SplitSeq(filepath.ToSlash(filepath.Clean(location)), "/") {
			at = filepath.Join(at, part)
			info, err := root.Lstat(at)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, errors.New("which is not there: put the file beside the model")
			}
			if err != nil {
				return nil, err
			}
			if info.Mode()&fs.ModeSymlink != 0 {
				return nil, errors.New("which is a symbolic link: put the file itself beside the model")
			}
		}
		return root.ReadFile(at)
	}
}
