package netfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/BurntSushi/toml"

	"nas/blocks"
	"nas/internal/jsonfile"
	"nas/internal/tomlfile"
)

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
