// Package netfile stores networks in files and reads them back. The ending of
// the file's name is its format.
package netfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/onnx"
	"nas/blocks/pytorch"
	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
	"nas/internal/boundedfile"
	"nas/internal/buildinfo"
	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/internal/tomlfile"
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

func encodeJSON(n *blocks.Network, _ func() (*blocks.Weights, error), _ Form) ([]byte, error) {
	data, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", " "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func decodeJSON(_ string, data []byte, _ Options) (*Network, error) {
	n := new(blocks.Network)
	err := jsonfile.Decode(data, n)
	var head struct{ Format float64 }
	if err != nil && json.Unmarshal(data, &head) == nil && head.Format > 0 { // a network's is a text
		return nil, errOtherKind
	}
	if err != nil { // what is of another type has a line, which a type that decodes itself cannot tell
		if e := jsonfile.Decode(data, new(layout)); e != nil {
			err = e
		}
	}
	return &Network{Network: n}, err
}

// errOtherKind is the error for a file of this program that holds something else.
var errOtherKind = errors.New("it has a format number, as a latency profile or a baseline has, and is none that can " +
	"be read: restore the file, or name a network")

// layout has the types of a network's text.
type layout struct {
	Format string            `json:"format"`
	Name   string            `json:"name"`
	Meta   map[string]string `json:"meta"`
	Nodes  []struct {
		Name   string         `json:"name"`
		Op     string         `json:"op"`
		Attrs  map[string]any `json:"attrs"`
		Inputs []string       `json:"inputs"`
		Stage  int            `json:"stage"`
		Block  int            `json:"block"`
		Shared []string       `json:"shared"`
	} `json:"nodes"`
	Outputs []string `json:"outputs"`
}

// The TOML form has the same keys and values as the JSON form.
func encodeTOML(n *blocks.Network, _ func() (*blocks.Weights, error), _ Form) ([]byte, error) {
	data, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	err = e.Encode(plain(tree))
	return b.Bytes(), err
}

// plain turns JSON numbers into Go's, whole ones into integers, and lists of
// tables into the type that the encoder writes as [[tables]].
func plain(x any) any {
	switch v := x.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		var tables []map[string]any
		for i := range v {
			v[i] = plain(v[i])
			if t, ok := v[i].(map[string]any); ok {
				tables = append(tables, t)
			}
		}
		if len(tables) > 0 && len(tables) == len(v) {
			return tables
		}
	}
	return x
}

func decodeTOML(_ string, data []byte, o Options) (*Network, error) {
	var tree map[string]any
	if _, err := tomlfile.Decode(data, &tree, maxText); err != nil {
		return nil, err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	n, err := decodeJSON("", text, o)
	var at *jsonfile.Error
	if errors.As(err, &at) { // whose place is that in the JSON form, whose entries are counted from 0
		key := entry.ReplaceAllStringFunc(at.Key, func(s string) string {
			i, _ := strconv.Atoi(s[1 : len(s)-1])
			return fmt.Sprintf("[%d]", i+1)
		})
		err = &tomlfile.Error{Line: tomlfile.LinesOf(data).Of(key), Key: key, Problem: at.Problem}
	}
	return n, err
}

// entry is the number of a list's entry in a key.
var entry = regexp.MustCompile(`\[\d+\]`)

// encodeDOT draws the graph for Graphviz: a node an op, with its output shape.
func encodeDOT(n *blocks.Network, _ func() (*blocks.Weights, error), _ Form) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "digraph %q {\n\tnode [shape=box, fontname=\"sans-serif\"];\n", n.Name)
	for i, nd := range n.Nodes {
		fmt.Fprintf(&b, "\tn%d [label=%q];\n", i, fmt.Sprintf("%s\n%s %v", nd.Name, nd.Op.Kind(), nd.Shape))
		for _, j := range nd.Inputs {
			fmt.Fprintf(&b, "\tn%d -> n%d;\n", j, i)
		}
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

// encodeONNX writes NCHW input and the weights in the file.
func encodeONNX(n *blocks.Network, weights func() (*blocks.Weights, error), form Form) ([]byte, error) {
	w, err := weights()
	if err != nil {
		return nil, err
	}
	size := 1<<16 + len(n.Nodes)<<10
	for i := range n.Nodes {
		for _, t := range w.Node(i) {
			size += 4 * len(t)
		}
	}
	var b bytes.Buffer
	b.Grow(size) // growing on the way would take twice as much
	o := form.ONNX
	o.Metadata, o.Version = n.Meta, buildinfo.Release()
	if form.Integers == nil {
		err = onnx.Write(&b, n, w, o)
		return b.Bytes(), err
	}
	quantise := *form.Integers
	quantise.Run = engine.Activations
	q, err := tflite.QuantizeNetwork(n, w, quantise)
	if err != nil {
		return nil, err
	}
	err = onnx.WriteQuantized(&b, q, o)
	return b.Bytes(), err
}

// decodeModel reads what other programs write for convolutional networks.
func decodeModel(path string, _ []byte, o Options) (*Network, error) {
	m, err := readModel(path, o, false)
	if err != nil {
		return nil, err
	}
	m.Network.Meta = m.Metadata
	n := &Network{
		Network: m.Network, Weights: weightsLater(path, o, m.Network), Input: &m.Input, Outputs: m.Outputs, Notes: m.Notes,
	}
	if rounds(m.Network) {
		n.Quantised = quantisedLater(path, o)
	}
	if m.Integers {
		n.Integers = integersLater(path)
	}
	return n, nil
}

// encodeTFLite writes a .tflite file. What the network knows of itself is metadata of the file.
func encodeTFLite(n *blocks.Network, weights func() (*blocks.Weights, error), form Form) ([]byte, error) {
	w, err := weights()
	if err != nil {
		return nil, err
	}
	var m *tflite.Model
	if form.Integers == nil {
		m, err = tflite.Lower(n, w)
	} else {
		o := *form.Integers
		o.Run = engine.Activations
		m, err = tflite.Quantize(n, w, o)
		if err == nil && !o.FloatEdges { // for microcontrollers
			m, _, err = arena.BestOrder(m)
		}
	}
	if err != nil {
		return nil, err
	}
	counts := n.Counts()
	meta := map[string]string{
		"params": strconv.FormatInt(counts.Params, 10), "macs": strconv.FormatInt(counts.MACs, 10),
		"producer": "nas " + buildinfo.Release(),
	}
	maps.Copy(meta, n.Meta)
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		m.Metadata = append(m.Metadata, tflite.Metadata{Name: k, Data: []byte(meta[k])})
	}
	return tflite.Encode(m)
}

// encodePyTorch writes a Python module; its weights stand in a file beside it.
func encodePyTorch(n *blocks.Network, _ func() (*blocks.Weights, error), _ Form) ([]byte, error) {
	var b bytes.Buffer
	err := pytorch.Write(&b, n)
	return b.Bytes(), err
}

// encodeSafetensors writes the state dict of the Python module.
func encodeSafetensors(n *blocks.Network, weights func() (*blocks.Weights, error), _ Form) ([]byte, error) {
	w, err := weights()
	if err != nil {
		return nil, err
	}
	m, err := pytorch.New(n)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = m.WriteSafetensors(&b, w)
	return b.Bytes(), err
}

// ReadWeights reads weights for n from a .safetensors or .npz file: the state
// dict of the Python module that n is written as. wrapper is what training put before
// the names, which was taken off.
func ReadWeights(path string, n *blocks.Network) (w *blocks.Weights, wrapper string, err error) {
	w, wrapper, err = pytorch.ReadFile(path, n)
	var shape *pytorch.ShapeError
	if errors.As(err, &shape) && len(shape.Want) == len(shape.Shape) && len(shape.Want) > 0 &&
		shape.Want[0] == n.Output().C && slices.Equal(shape.Want[1:], shape.Shape[1:]) {
		err = fmt.Errorf("%w: the weights are of a network with %d classes, name that one, such as "+
			"results/mobile:17@classes=%d", err, shape.Shape[0], shape.Shape[0])
	}
	return w, wrapper, err
}
