package netfile

import (
	"bytes"
	"fmt"
	"strings"

	"nas/blocks"
	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
)

// symbol makes a name fit for C.
func symbol(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "net_" + s
	}
	return s + "_tflite"
}

// encodeCArray writes a .tflite file as an array of C++ for programs that have no file system. Its header stands in a
// file beside it.
func encodeCArray(n *blocks.Network, weights func() (*blocks.Weights, error), form Form) ([]byte, error) {
	file, err := encodeTFLite(n, weights, form)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	name := symbol(n.Name)
	fmt.Fprintf(&b, "// %s as a .tflite file, written by nas.\n\n", n.Name)
	fmt.Fprintf(&b, "extern const unsigned char %s[];\nextern const unsigned int %s_len;\n\n", name, name)
	fmt.Fprintf(&b, "const unsigned int %s_len = %d;\nalignas(16) const unsigned char %s[] = {", name, len(file), name)
	for i, c := range file {
		if i%16 == 0 {
			b.WriteString("\n ")
		}
		fmt.Fprintf(&b, " 0x%02x,", c)
	}
	b.WriteString("\n};\n")
	return b.Bytes(), nil
}

// encodeCHeader writes the header of the array, which tells what arena the file needs.
func encodeCHeader(n *blocks.Network, weights func() (*blocks.Weights, error), form Form) ([]byte, error) {
	file, err := encodeTFLite(n, weights, form)
	if err != nil {
		return nil, err
	}
	m, err := tflite.Decode(file)
	if err != nil {
		return nil, err
	}
	p, err := arena.Of(m)
	if err != nil {
		return nil, err
	}
	seen, operators := map[string]bool{}, []string{}
	for _, op := range m.Operators {
		if !seen[op.Name] {
			operators = append(operators, op.Name)
		}
		seen[op.Name] = true
	}
	name := symbol(n.Name)
	var b bytes.Buffer
	fmt.Fprintf(&b, "// %s as a .tflite file of %d bytes, written by nas.\n", n.Name, len(file))
	fmt.Fprintf(
		&b,
		"// Arena of TensorFlow Lite Micro with its reference kernels: %d bytes planned, and about %d bytes that stay\n"+
			"// (on a 32-bit processor). Optimised kernels need more.\n// Operators: %s.\n",
		p.Bytes,
		p.Persistent,
		strings.Join(operators, ", "),
	)
	guard := strings.ToUpper(name) + "_H_"
	fmt.Fprintf(&b, "#ifndef %s\n#define %s\n\n", guard, guard)
	fmt.Fprintf(
		&b,
		"extern const unsigned char %s[]; // at a multiple of 16 bytes\nextern const unsigned int %s_len;\n\n#endif // %s\n",
		name,
		name,
		guard,
	)
	return b.Bytes(), nil
}
