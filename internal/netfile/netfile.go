// Package netfile stores networks in files and reads them back. The ending of
// the file's name is its format.
package netfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"nas/blocks"
	"nas/blocks/onnx"
)

// maxText bounds a text file that is read: a network of ten thousand ops takes
// a few megabytes.
const maxText = 64 << 20

// format is one file format. A nil function means that the direction is missing.
type format struct {
	name   string
	encode func(n *blocks.Network, w func() (*blocks.Weights, error)) ([]byte, error)
	decode func(path string, data []byte) (*blocks.Network, *blocks.Weights, error)
}

var formats = []format{
	{"json", encodeJSON, decodeJSON},
	{"toml", encodeTOML, decodeTOML},
	{"dot", encodeDOT, nil},
	{"onnx", encodeONNX, decodeONNX},
}

// Writable and Readable return the names of the formats, which are also the
// endings of the files.
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

// Encode returns the bytes of n in a format. weights is called only by the
// formats that hold weights.
func Encode(name string, n *blocks.Network, weights func() (*blocks.Weights, error)) ([]byte, error) {
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name && f.encode != nil })
	if i < 0 {
		return nil, fmt.Errorf("netfile: format %q cannot be written: want one of %s", name, strings.Join(Writable(), ", "))
	}
	return formats[i].encode(n, weights)
}

// IsFile tells whether a name looks like a network file that Read accepts.
func IsFile(path string) bool {
	return slices.Contains(Readable(), strings.TrimPrefix(filepath.Ext(path), "."))
}

// Read reads a network, and its weights where the file holds them.
func Read(path string) (*blocks.Network, *blocks.Weights, error) {
	ext := strings.TrimPrefix(filepath.Ext(path), ".")
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == ext && f.decode != nil })
	if i < 0 {
		return nil, nil, fmt.Errorf("netfile: %s: want a file that ends in .%s", path, strings.Join(Readable(), ", ."))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("netfile: %w", err)
	}
	if ext != "onnx" && info.Size() > maxText {
		return nil, nil, fmt.Errorf("netfile: %s has %d bytes, a network's text has at most %d", path, info.Size(), maxText)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("netfile: %w", err)
	}
	n, w, err := formats[i].decode(path, data)
	if err != nil {
		return nil, nil, fmt.Errorf("netfile: %s: %w", path, err)
	}
	return n, w, nil
}

func encodeJSON(n *blocks.Network, _ func() (*blocks.Weights, error)) ([]byte, error) {
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

func decodeJSON(_ string, data []byte) (*blocks.Network, *blocks.Weights, error) {
	n := new(blocks.Network)
	return n, nil, json.Unmarshal(data, n)
}

// The TOML form has the same keys and values as the JSON form.
func encodeTOML(n *blocks.Network, _ func() (*blocks.Weights, error)) ([]byte, error) {
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

func decodeTOML(_ string, data []byte) (*blocks.Network, *blocks.Weights, error) {
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, nil, err
	}
	return decodeJSON("", text)
}

// encodeDOT draws the graph for Graphviz: a node an op, with its output shape.
func encodeDOT(n *blocks.Network, _ func() (*blocks.Weights, error)) ([]byte, error) {
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

// encodeONNX writes opset 17 with NCHW input and the weights in the file.
func encodeONNX(n *blocks.Network, weights func() (*blocks.Weights, error)) ([]byte, error) {
	w, err := weights()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = onnx.Write(&b, n, w, onnx.Options{Metadata: n.Meta})
	return b.Bytes(), err
}

// decodeONNX reads what exporters write for convolutional networks.
func decodeONNX(_ string, data []byte) (*blocks.Network, *blocks.Weights, error) {
	m, err := onnx.Read(data, onnx.ReadOptions{})
	if err != nil {
		return nil, nil, err
	}
	m.Network.Meta = m.Metadata
	return m.Network, m.Weights, nil
}
