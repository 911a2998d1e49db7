package onnx

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"nas/internal/fault"
)

// Beside returns what opens a folder's files for [ReadOptions.External], and closes them. A
// location that leads out of the folder, or through a symbolic link, is an error:
// a model file must not make a program read what its owner did not mean to show.
func Beside(dir string) (open func(location string) (*io.SectionReader, error), closeAll func()) {
	var files []*os.File
	open = func(location string) (*io.SectionReader, error) {
		f, err := beside(dir, location)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		return section(f)
	}
	return open, func() {
		for _, f := range files {
			f.Close()
		}
	}
}

func beside(dir, location string) (*os.File, error) {
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
	return root.Open(at)
}

// section returns the whole of a regular file.
func section(f *os.File) (*io.SectionReader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("want an ordinary file")
	}
	return io.NewSectionReader(f, 0, info.Size()), nil
}

// ReadFile is [Read] of a file. Large weights are read one by one, when a layer takes them:
// without weights it takes little memory, however large the file is.
func ReadFile(f *os.File, o ReadOptions) (*Model, error) {
	s, err := section(f)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	return readParts(s, o, cutBytes)
}

// readParts is ReadFile of a part of a file. Raw data of at least least bytes are read one by one, when a layer takes
// them.
func readParts(s *io.SectionReader, o ReadOptions, least int64) (*Model, error) {
	c := &cutter{from: s, least: least}
	c.reset(0)
	data, err := c.message(s.Size(), dataIn)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	external := o.External
	o.External = func(location string) (*io.SectionReader, error) {
		switch {
		case location == itself:
			return s, nil
		case external == nil:
			return nil, errBeside
		}
		return external(location)
	}
	return Read(data, o)
}

// itself is the location of weights that stand in the model's own file. No file's name has a NUL.
const itself = "\x00"

// cutBytes is the length from which on raw data are not kept with the model.
const cutBytes = 1 << 14

// cutter copies a model, with the data of large initializers replaced by where they lie.
type cutter struct {
	from *io.SectionReader
	in   *bufio.Reader
	at   int64

	least int64 // length of data that are cut out
}

// reset makes the cutter go on reading at byte at of the file.
func (c *cutter) reset(at int64) {
	c.at = at
	c.in = bufio.NewReader(io.NewSectionReader(c.from, at, c.from.Size()-at))
}

func (c *cutter) varint() (uint64, error) {
	var b []byte
	for len(b) < binary.MaxVarintLen64 && (len(b) == 0 || b[len(b)-1] >= 0x80) {
		x, err := c.in.ReadByte()
		if err != nil {
			return 0, errWire
		}
		b = append(b, x)
	}
	c.at += int64(len(b))
	v, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return 0, errWire
	}
	return v, nil
}

// path is a tree of fields; its leaves are data.
type path map[protowire.Number]path

// dataIn is where a model has raw data: in initializers, and in the attributes of Constants.
var dataIn = path{modelGraph: {
	graphInitializer: {tensorRaw: nil},
	graphNode:        {nodeAttribute: {attrTensor: {tensorRaw: nil}}},
}}

// message copies the fields up to byte end of the file. It descends into the fields on the path to raw data.
func (c *cutter) message(end int64, to path) (out message, err error) {
	for c.at < end {
		tag, err := c.varint()
		if err != nil {
			return nil, err
		}
		field, wire := protowire.DecodeTag(tag)
		n := int64(0)
		out = protowire.AppendVarint(out, tag)
		switch wire {
		case protowire.VarintType:
			v, err := c.varint()
			if err != nil {
				return nil, err
			}
			out = protowire.AppendVarint(out, v)
			continue
		case protowire.Fixed32Type:
			n = 4
		case protowire.Fixed64Type:
			n = 8
		case protowire.BytesType:
			v, err := c.varint()
			if err != nil || c.at > end || v > uint64(end-c.at) { // the length itself may pass the end
				return nil, errWire
			}
			n = int64(v)
			next, leads := to[field]
			switch {
			case next != nil:
				sub, err := c.message(c.at+n, next)
				if err != nil {
					return nil, err
				}
				out = protowire.AppendBytes(out, sub)
				continue
			case leads && n >= c.least:
				out = out[:len(out)-protowire.SizeVarint(tag)].lies(c.at, n)
				c.reset(c.at + n)
				continue
			}
			out = protowire.AppendVarint(out, v)
		default:
			return nil, errWire
		}
		if n > end-c.at {
			return nil, errWire
		}
		k := len(out)
		out = append(out, make([]byte, n)...)
		if _, err := io.ReadFull(c.in, out[k:]); err != nil {
			return nil, errWire
		}
		c.at += n
	}
	if c.at != end {
		return nil, errWire
	}
	return out, nil
}

// lies appends the fields of a TensorProto that say where in the model's file its data lie.
func (m message) lies(at, n int64) message {
	for _, e := range [][2]string{
		{"location", itself}, {"offset", strconv.FormatInt(at, 10)}, {"length", strconv.FormatInt(n, 10)},
	} {
		m = m.sub(tensorExternal, message(nil).text(entryKey, e[0]).text(entryValue, e[1]))
	}
	return m.int(tensorLocation, 1)
}
