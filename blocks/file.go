package blocks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"nas/internal/fault"
)

// Network files are JSON: a name and the nodes in order, each with its op's
// kind and attributes and the names of the nodes it reads. Shapes are not
// stored; they are inferred when the file is read.
type fileNetwork struct {
	Format string            `json:"format"`
	Name   string            `json:"name"`
	Meta   map[string]string `json:"meta,omitempty"`
	Nodes  []fileNode        `json:"nodes"`
	// Outputs names the nodes that are returned; empty: the last.
	Outputs []string `json:"outputs,omitempty"`
}

type fileNode struct {
	Name   string          `json:"name"`
	Op     string          `json:"op"`
	Attrs  json.RawMessage `json:"attrs,omitempty"`
	Inputs []string        `json:"inputs,omitempty"`
	Stage  int             `json:"stage,omitempty"`
	Block  int             `json:"block,omitempty"`
	Shared []string        `json:"shared,omitempty"` // nodes whose tensors these are; "": its own
}

const fileFormat = "nas-network-1"

// MarshalJSON writes the network in the format "nas-network-1".
func (n *Network) MarshalJSON() ([]byte, error) {
	f := fileNetwork{Format: fileFormat, Name: n.Name, Meta: n.Meta, Nodes: make([]fileNode, len(n.Nodes))}
	for i, nd := range n.Nodes {
		attrs, err := json.Marshal(nd.Op)
		if err != nil {
			return nil, fault.Errorf("blocks: node %q: %w", nd.Name, err)
		}
		if string(attrs) == "{}" {
			attrs = nil
		}
		fn := fileNode{Name: nd.Name, Op: nd.Op.Kind(), Attrs: attrs, Stage: nd.Stage, Block: nd.Block}
		for _, j := range nd.Inputs {
			fn.Inputs = append(fn.Inputs, n.Nodes[j].Name)
		}
		for _, j := range nd.Shared {
			owner := ""
			if j > 0 {
				owner = n.Nodes[j].Name
			}
			fn.Shared = append(fn.Shared, owner)
		}
		f.Nodes[i] = fn
	}
	for _, i := range n.Outputs {
		f.Outputs = append(f.Outputs, n.Nodes[i].Name)
	}
	return json.Marshal(f)
}

// UnmarshalJSON reads what MarshalJSON writes and infers all shapes. Unknown
// ops, attributes and node names are errors.
func (n *Network) UnmarshalJSON(data []byte) error {
	var f fileNetwork
	if err := strictJSON(data, &f); err != nil {
		return fault.Errorf("blocks: %w", err)
	}
	if f.Format != fileFormat {
		if f.Format == "" {
			return fault.Errorf("blocks: this is no network: it has no format, want format = %q", fileFormat)
		}
		return fault.Errorf("blocks: format is %q, this program reads %q: it is of another version, or no network",
			f.Format, fileFormat)
	}
	net := Network{Name: f.Name, Meta: f.Meta, Nodes: make([]Node, len(f.Nodes))}
	index := make(map[string]int, len(f.Nodes))
	for i, fn := range f.Nodes {
		zero, ok := registry[fn.Op]
		if fn.Op == "" {
			return fault.Errorf("blocks: nodes[%d] %q of %d has no op: the file was cut off, or badly edited",
				i, fn.Name, len(f.Nodes))
		}
		if !ok {
			return fault.Errorf("blocks: node %q: unknown op %q, want one of %v", fn.Name, fn.Op, Kinds())
		}
		op := zero()
		if len(fn.Attrs) > 0 {
			if err := strictJSON(fn.Attrs, op); err != nil {
				return fault.Errorf("blocks: node %q: %s: %w", fn.Name, fn.Op, err)
			}
		}
		nd := Node{Name: fn.Name, Op: op, Stage: fn.Stage, Block: fn.Block}
		for _, in := range fn.Inputs {
			j, ok := index[in]
			if !ok {
				return fault.Errorf("blocks: node %q reads %q, which no earlier node is called", fn.Name, in)
			}
			nd.Inputs = append(nd.Inputs, j)
		}
		for _, owner := range fn.Shared {
			j, ok := index[owner]
			if !ok && owner != "" {
				return fault.Errorf("blocks: node %q shares a tensor of %q, which no earlier node is called", fn.Name, owner)
			}
			nd.Shared = append(nd.Shared, j)
		}
		index[fn.Name] = i
		net.Nodes[i] = nd
	}
	for _, out := range f.Outputs {
		i, ok := index[out]
		if !ok {
			return fault.Errorf("blocks: the network returns %q, which no node is called", out)
		}
		net.Outputs = append(net.Outputs, i)
	}
	if err := net.Infer(); err != nil {
		return err
	}
	*n = net
	return nil
}

func strictJSON(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if wrong, ok := err.(*json.UnmarshalTypeError); ok {
		return fmt.Errorf("%s: %.60s cannot stand there", wrong.Field, wrong.Value)
	}
	if err != nil {
		if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return fmt.Errorf("unknown key %.100s", key)
		}
	}
	return err
}
