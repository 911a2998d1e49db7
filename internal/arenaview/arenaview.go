// Package arenaview shows people the arena that TensorFlow Lite Micro plans for a network: as figures, as a map in text
// and as a picture.
package arenaview

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nas/blocks"
	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
	"nas/internal/report"
)

// View is the working memory of a network in TensorFlow Lite Micro, in the JSON form that scripts rely on.
type View struct {
	DType      string   `json:"dtype"`
	Planned    int      `json:"planned_bytes"`
	Persistent int      `json:"persistent_bytes"` // an estimate, for 32 bits
	Least      int      `json:"least_bytes"`      // live at the worst moment
	Worst      string   `json:"worst_operator"`
	InOrder    int      `json:"written_order_bytes"` // planned without another order
	Patches    *Patches `json:"patches,omitempty"`
	Buffers    []Buffer `json:"buffers"`

	plan *arena.Plan
}

// Patches tell what the first operators need in patches.
type Patches struct {
	Bytes       int     `json:"bytes"`
	Grid        int     `json:"grid"`
	Operators   int     `json:"operators"`
	Last        string  `json:"last"`
	MoreMACsPct float64 `json:"more_macs_pct"`
}

// Buffer is a tensor or a scratch buffer: its first and its last operator, and its place.
type Buffer struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	First  int    `json:"first"`
	Last   int    `json:"last"`
	Offset int    `json:"offset"`
}

// Of plans the arena of the .tflite file that path names as it is. Of a network that came from elsewhere it is that of
// the file of 8-bit integers that would be written of it, with its operators in the order that needs least.
func Of(path string, n *blocks.Network) (*View, error) {
	v := &View{DType: "int8"}
	var m *tflite.Model
	var err error
	if strings.EqualFold(filepath.Ext(path), ".tflite") {
		var file []byte
		if file, err = os.ReadFile(path); err == nil {
			m, err = tflite.Decode(file)
		}
		if err == nil && !slices.ContainsFunc(m.Tensors, func(t tflite.Tensor) bool { return len(t.Scale) > 0 }) {
			v.DType = "float32"
		}
		if err == nil {
			v.plan, err = arena.Of(m)
		}
	} else if m, err = tflite.Outline(n); err == nil {
		if v.plan, err = arena.Of(m); err == nil {
			v.InOrder = v.plan.Bytes
			m, v.plan, err = arena.BestOrder(m)
		}
	}
	if err != nil {
		return nil, err
	}
	v.Planned, v.Persistent = v.plan.Bytes, v.plan.Persistent
	v.InOrder = max(v.InOrder, v.Planned)
	live := v.plan.Live()
	v.Least = slices.Max(live)
	if at := slices.Index(live, v.Least); at > 0 {
		v.Worst = fmt.Sprintf("%d %s", at, v.plan.Operators[at-1])
	}
	if p, ok := arena.Patches(m, v.Planned); ok {
		v.Patches = &Patches{p.Bytes, p.Grid, p.Operators, p.Last, p.MoreMACsPct}
	}
	for _, b := range v.plan.Buffers {
		v.Buffers = append(v.Buffers, Buffer{b.Name, b.Bytes, b.First, b.Last, b.Offset})
	}
	return v, nil
}

// Text returns the figures and a map: a line for each operator, a column for a part of the memory, in it a letter for
// each activation and a star for scratch buffers.
func (v *View) Text() string {
	var b strings.Builder
	line := func(name, format string, a ...any) { fmt.Fprintf(&b, "  %-18s %s\n", name, fmt.Sprintf(format, a...)) }
	fmt.Fprintf(&b, "arena of TensorFlow Lite Micro, %s, reference kernels\n", v.DType)
	line("planned", "%d bytes (%s)", v.Planned, kB(v.Planned))
	line("at the least", "%d bytes live at operator %s", v.Least, v.Worst)
	if v.InOrder > v.Planned {
		line("order", "changed: as the network is written, %d bytes", v.InOrder)
	}
	line("stays besides", "about %d bytes (%s) on a 32-bit processor", v.Persistent, kB(v.Persistent))
	if p := v.Patches; p != nil {
		line("by patches", "%d bytes (%s), %s", p.Bytes, kB(p.Bytes), p)
	}
	fmt.Fprintf(&b, "\n%4s  %-24s %10s  0 to %s\n", "", "operator", "live bytes", kB(v.Planned))
	for at, live := range v.plan.Live() {
		name := "(input)"
		if at > 0 {
			name = v.plan.Operators[at-1]
		}
		fmt.Fprintf(&b, "%4d  %-24s %10d  %s\n", at, name, live, v.row(at))
	}
	return b.String()
}

func (p *Patches) String() string {
	return fmt.Sprintf("if operators 1 to %d ran in %dx%d patches, for %.1f %% more multiply-accumulates; "+
		"TensorFlow Lite Micro has no patches", p.Operators, p.Grid, p.Grid, p.MoreMACsPct)
}

// kB is a size for people.
func kB(bytes int) string { return fmt.Sprintf("%.1f kB", float64(bytes)/1000) }

// mapColumns is the width of the map.
const mapColumns = 64

// row draws the memory during an operator.
func (v *View) row(at int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	line := []byte(strings.Repeat(".", mapColumns))
	for i, b := range v.plan.Buffers {
		if at < b.First || at > b.Last || v.Planned == 0 {
			continue
		}
		c := letters[i%len(letters)]
		if isScratch(b) {
			c = '*'
		}
		from, to := b.Offset*mapColumns/v.Planned, (b.Offset+b.Bytes)*mapColumns/v.Planned
		for k := from; k < max(to, from+1) && k < mapColumns; k++ {
			line[k] = c
		}
	}
	return string(line)
}

func isScratch(b arena.Buffer) bool { return strings.HasSuffix(b.Name, " scratch") }

// Figure draws the arena.
func (v *View) Figure(title string) report.Memory {
	f := report.Memory{
		Title: "Arena of " + title,
		Subtitle: fmt.Sprintf("TensorFlow Lite Micro, %s: %s planned, and about %s that stay on a 32-bit processor",
			v.DType, kB(v.Planned), kB(v.Persistent)),
		Operators: len(v.plan.Operators), Limit: float64(v.Planned) / 1000, LimitName: "planned",
	}
	for _, b := range v.plan.Buffers {
		if b.First < 0 {
			continue
		}
		f.Buffers = append(f.Buffers, report.MemoryBuffer{
			Name: b.Name, First: b.First, Last: b.Last, Offset: float64(b.Offset) / 1000, KB: float64(b.Bytes) / 1000,
			Scratch: isScratch(b),
		})
	}
	f.Notes = append(f.Notes, fmt.Sprintf("At the worst moment, operator %s, %s are live.", v.Worst, kB(v.Least)))
	if p := v.Patches; p != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("By patches: %s, %s.", kB(p.Bytes), p))
	}
	return f
}
