package pytorch

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// maxHeader bounds the header of a .safetensors file, as its own library does.
const maxHeader = 100 << 20

// WriteSafetensors writes the tensors of a network's weights under the names of
// its module's state dict: eight bytes of length, a JSON header, float32 values,
// all little-endian (https://github.com/huggingface/safetensors). The same
// arguments give the same bytes.
func (m *Module) WriteSafetensors(w io.Writer, weights *blocks.Weights) error {
	if err := weights.Check(m.net); err != nil {
		return fault.Errorf("pytorch: %w", err)
	}
	var head strings.Builder
	head.WriteString(`{"__metadata__":{"format":"pt","written_by":"nas"}`)
	at := 0
	for _, t := range m.Tensors {
		name, err := json.Marshal(t.Name)
		if err != nil {
			return fault.Errorf("pytorch: tensor %q: %w", t.Name, err)
		}
		end := at + 4*t.form.len()
		shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(t.Shape), "[]"), " ", ",")
		fmt.Fprintf(&head, `,%s:{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}`, name, shape, at, end)
		at = end
	}
	head.WriteString("}")
	for head.Len()%8 != 0 { // values start at a multiple of eight
		head.WriteByte(' ')
	}
	b := bufio.NewWriterSize(w, 1<<16)
	b.Write(binary.LittleEndian.AppendUint64(nil, uint64(head.Len())))
	b.WriteString(head.String())
	var word [4]byte
	for k := range m.Tensors {
		for _, v := range m.Tensors[k].values(weights) {
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
			b.Write(word[:])
		}
	}
	if err := b.Flush(); err != nil {
		return fault.Errorf("pytorch: writing the weights of %s: %w", m.net.Name, err)
	}
	return nil
}

// ReadSafetensors reads weights of float32, float64, float16 or bfloat16 values under the names of
// the module's state dict. A tensor that is missing, that the module does not have or that has
// another shape is an error that names it.
func (m *Module) ReadSafetensors(r io.ReaderAt, size int64) (*blocks.Weights, error) {
	file, err := openSafetensors(r, size)
	if err != nil {
		return nil, err
	}
	return m.fill(file)
}

func openSafetensors(r io.ReaderAt, size int64) (map[string]stored, error) {
	var length [8]byte
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, fault.New("pytorch: the file is too short for the .safetensors format: save it again")
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fault.Errorf("pytorch: the .safetensors header claims %d bytes of a file of %d: "+
			"it is damaged, or of another format: save it again", n, size)
	}
	head := make([]byte, n)
	if _, err := r.ReadAt(head, 8); err != nil {
		return nil, fault.Errorf("pytorch: reading the .safetensors header: %w", err)
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(head, &entries); err != nil {
		return nil, fault.New("pytorch: the .safetensors header is no JSON object: save the file again")
	}
	delete(entries, "__metadata__")
	start := 8 + int64(n)
	file := make(map[string]stored, len(entries))
	for name, raw := range entries {
		var e struct {
			Dtype   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fault.Errorf("pytorch: tensor %q: its entry in the header has other keys or types than dtype, shape "+
				"and data_offsets: save the file again", name)
		}
		from, to := e.Offsets[0], e.Offsets[1]
		if from < 0 || to < from || to > size-start {
			return nil, fault.Errorf("pytorch: tensor %q of shape %v lies at bytes %d to %d, the file has %d of values: "+
				"it was cut off, save it again", name, e.Shape, from, to, size-start)
		}
		file[name] = stored{e.Shape, func(dst []float32) error {
			if _, ok := widths[e.Dtype]; !ok {
				return fmt.Errorf("has type %s, want F32, F64, F16 or BF16", strconv.Quote(e.Dtype))
			}
			if want := int64(len(dst)) * int64(widths[e.Dtype]); to-from != want {
				return fmt.Errorf("has %d bytes of %s, want %d", to-from, e.Dtype, want)
			}
			return decode(dst, e.Dtype, io.NewSectionReader(r, start+from, to-from))
		}}
	}
	return file, nil
}

// widths are the bytes of a value by type.
var widths = map[string]int{"F32": 4, "F64": 8, "F16": 2, "BF16": 2}

// decode reads little-endian values.
func decode(dst []float32, dtype string, r io.Reader) error {
	width := widths[dtype]
	buf := make([]byte, min(len(dst)*width, 1<<16))
	for done := 0; done < len(dst); {
		part := dst[done:min(len(dst), done+len(buf)/width)]
		raw := buf[:len(part)*width]
		if n, err := io.ReadFull(r, raw); err != nil {
			return fmt.Errorf("ends after %d of %d values: %w", done+n/width, len(dst), err)
		}
		switch dtype {
		case "F32":
			for k := range part {
				part[k] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
			}
		case "F64":
			for k := range part {
				part[k] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*k:])))
			}
		case "F16":
			for k := range part {
				part[k] = half(binary.LittleEndian.Uint16(raw[2*k:]))
			}
		case "BF16":
			for k := range part {
				part[k] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*k:])) << 16)
			}
		}
		done += len(part)
	}
	return nil
}

// half widens an IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero and subnormal
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
