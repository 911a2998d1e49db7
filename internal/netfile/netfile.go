// Package netfile stores networks in files and reads them back. The ending of
// the file's name is its format.
package netfile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/pytorch"
	"nas/blocks/tflite"
	"nas/internal/boundedfile"
	"nas/internal/fault"
)

// maxText bounds a text file that is read: a network of ten thousand ops takes
// a few megabytes.
const maxText = 64 << 20

// format is one file format. A nil function means that the direction is missing.
type format struct {
	name   string
	ending string // of its files, without the dot
	encode encoder
	decode func(path string, data []byte, o Options) (*Network, error)
	beside *companion // a second file; nil for none
}

// companion is a file that belongs to another.
type companion struct {
	ending string
	encode encoder
	key    string // of the first file's metadata that names this one; "" if it does not
}

// encoder returns the bytes of a network's file.
type encoder func(n *blocks.Network, w func() (*blocks.Weights, error), o Form) ([]byte, error)

// Form says how a file is written. A format reads its own part.
type Form struct {
	ONNX ONNX
	// Integers says how an .onnx or .tflite file is quantised to 8 bits; nil writes float32. FloatEdges is of .tflite.
	Integers *Integers
}

// ONNX says how an ONNX file is written.
type ONNX = onnx.Options

// Integers says how a network is quantised.
type Integers = tflite.QuantizeOptions

// OpenBatch as [ONNX.Batch] leaves the number of images open.
const OpenBatch = onnx.OpenBatch

var formats = []format{
	{"json", "json", encodeJSON, decodeJSON, nil},
	{"toml", "toml", encodeTOML, decodeTOML, nil},
	{"dot", "dot", encodeDOT, nil, nil},
	{"onnx", "onnx", encodeONNX, decodeModel, nil},
	{"pytorch", "py", encodePyTorch, nil, &companion{"safetensors", encodeSafetensors, pytorch.WeightsFile}},
	{"tflite", "tflite", encodeTFLite, decodeModel, nil},
	{"c-array", "cc", encodeCArray, nil, &companion{"h", encodeCHeader, ""}},
}

// Writable returns the names of the formats that networks are written in,
// Readable of those that they are read from, which are also the files' endings.
func Writable() []string { return names(func(f format) bool { return f.encode != nil }) }

// Readable is documented with Writable.
func Readable() []string { return names(func(f format) bool { return f.decode != nil }) }

func names(want func(format) bool) (ns []string) {
	for _, f := range formats {
		if want(f) {
			ns = append(ns, f.name)
		}
	}
	return ns
}

// FormatOf returns the format whose files end like path; where there is none, the
// ending itself, which Encode then refuses.
func FormatOf(path string) string {
	ending := endingOf(path)
	for _, f := range formats {
		if f.ending == ending {
			return f.name
		}
	}
	return ending
}

// writer returns the format of that name.
func writer(name string) (*format, error) {
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name && f.encode != nil })
	if i < 0 {
		return nil, fault.Errorf("netfile: format %q cannot be written: want one of %s", name, strings.Join(Writable(), ", "))
	}
	return &formats[i], nil
}

// Encode returns the bytes of n in a format. weights is called only by the
// formats that hold weights.
func Encode(
	name string, n *blocks.Network, weights func() (*blocks.Weights, error), o Form,
) ([]byte, error) {
	f, err := writer(name)
	if err != nil {
		return nil, err
	}
	return f.encode(n, weights, o)
}

// A File is one of the files that a network becomes.
type File struct {
	Path string
	Data []byte
}

// Files returns what is to be written for n in a format: path, and for a format
// that keeps weights apart their file beside it, which has path's name and
// another ending.
func Files(
	name, path string, n *blocks.Network, weights func() (*blocks.Weights, error), o Form,
) ([]File, error) {
	f, err := writer(name)
	if err != nil {
		return nil, err
	}
	beside := ""
	if f.beside != nil {
		beside = strings.TrimSuffix(path, filepath.Ext(path)) + "." + f.beside.ending
		if key := f.beside.key; key != "" { // the file says what lies beside it
			named := *n
			named.Meta = maps.Clone(n.Meta)
			if named.Meta == nil {
				named.Meta = map[string]string{}
			}
			named.Meta[key] = filepath.Base(beside)
			n = &named
		}
	}
	data, err := f.encode(n, weights, o)
	if err != nil {
		return nil, err
	}
	files := []File{{path, data}}
	if f.beside != nil {
		if data, err = f.beside.encode(n, weights, o); err != nil {
			return nil, err
		}
		files = append(files, File{beside, data})
	}
	return files, nil
}

// Ending returns the ending of a format's files, without the dot.
func Ending(name string) string {
	for _, f := range formats {
		if f.name == name {
			return f.ending
		}
	}
	return name
}

// IsFile tells whether a name looks like a network file that Read accepts.
func IsFile(path string) bool {
	return slices.Contains(Readable(), endingOf(path))
}

// endingOf is the ending of a file's name, in lower case and without its point.
func endingOf(path string) string {
	return strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
}

// Read reads a network. The weights that its file holds are read when they are asked for.
func Read(path string, o Options) (*Network, error) {
	ext := endingOf(path)
	i := slices.IndexFunc(formats, func(f format) bool { return f.ending == ext && f.decode != nil })
	if i < 0 {
		return nil, fault.Errorf("netfile: %s: want a file that ends in .%s", path, strings.Join(Readable(), ", ."))
	}
	if models[ext] == nil && (o.Shape != nil || o.H != 0 || o.Outputs != nil) {
		return nil, fault.Errorf("netfile: %s: an input shape and outputs are chosen of .onnx and .tflite files only", path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Errorf("netfile: %s does not exist", path)
	}
	if err != nil {
		return nil, fault.Errorf("netfile: %w", err)
	}
	if models[ext] == nil && info.Size() > maxText {
		return nil, fault.Errorf("netfile: %s has %d bytes, a network's text has at most %d", path, info.Size(), maxText)
	}
	var data []byte
	if models[ext] == nil { // which read the file themselves
		if data, err = boundedfile.Read(path, maxText); err != nil {
			return nil, fault.Errorf("netfile: %w", err)
		}
	}
	if info.Mode().IsRegular() && info.Size() == 0 {
		return nil, fault.Errorf("netfile: %s: the file is empty: write it again with nas export", path)
	}
	n, err := formats[i].decode(path, data, o)
	if err != nil {
		if models[ext] == nil && !errors.Is(err, errOtherKind) { // whose errors are about what another program wrote
			err = fmt.Errorf("%w: restore the file, or write it again with nas export", err)
		}
		return nil, fault.Errorf("netfile: %s: %w", path, err)
	}
	return n, nil
}
