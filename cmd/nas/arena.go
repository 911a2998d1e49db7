package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
	"nas/internal/report"
	"nas/internal/resolve"
)

// textOnly as the value of --arena is the flag without a file.
const textOnly = "-text-"

// arenaView is the working memory of a network in TensorFlow Lite Micro, in the JSON form that scripts rely on.
type arenaView struct {
	DType      string       `json:"dtype"`
	Planned    int          `json:"planned_bytes"`
	Persistent int          `json:"persistent_bytes"` // an estimate, for 32 bits
	Least      int          `json:"least_bytes"`      // live at the worst moment
	Worst      string       `json:"worst_operator"`
	InOrder    int          `json:"written_order_bytes"` // planned without another order
	Patches    *patchesView `json:"patches,omitempty"`
	Buffers    []bufferView `json:"buffers"`

	plan *arena.Plan
}

type patchesView struct {
	Bytes       int     `json:"bytes"`
	Grid        int     `json:"grid"`
	Operators   int     `json:"operators"`
	Last        string  `json:"last"`
	MoreMACsPct float64 `json:"more_macs_pct"`
}

type bufferView struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	First  int    `json:"first"`
	Last   int    `json:"last"`
	Offset int    `json:"offset"`
}

// arenaOf plans the arena of a .tflite file as it is, and of any other network as the file of 8-bit integers that would
// be written of it, with its operators in the order that needs least.
func arenaOf(arg string, n *resolve.Network) (*arenaView, error) {
	v := &arenaView{DType: "int8"}
	var m *tflite.Model
	var err error
	if strings.EqualFold(filepath.Ext(arg), ".tflite") {
		var file []byte
		if file, err = os.ReadFile(arg); err == nil {
			m, err = tflite.Decode(file)
		}
		if err == nil && !slices.ContainsFunc(m.Tensors, func(t tflite.Tensor) bool { return len(t.Scale) > 0 }) {
			v.DType = "float32"
		}
		if err == nil {
			v.plan, err = arena.Of(m)
		}
	} else if m, err = tflite.Outline(n.Network); err == nil {
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
		v.Patches = &patchesView{p.Bytes, p.Grid, p.Operators, p.Last, p.MoreMACsPct}
	}
	for _, b := range v.plan.Buffers {
		v.Buffers = append(v.Buffers, bufferView{b.Name, b.Bytes, b.First, b.Last, b.Offset})
	}
	return v, nil
}

// print writes the arena and a map of it: a line for each operator, a column for a part of the memory, in it a letter for
// each activation and a star for scratch buffers.
func (v *arenaView) print(a *app) {
	a.printf("\narena of TensorFlow Lite Micro, %s, reference kernels\n", v.DType)
	a.printf("  planned            %d bytes (%sB)\n", v.Planned, si(int64(v.Planned)))
	a.printf("  at the least       %d bytes live at operator %s\n", v.Least, v.Worst)
	if v.InOrder > v.Planned {
		a.printf("  order              changed: as the network is written, %d bytes\n", v.InOrder)
	}
	a.printf(
		"  stays besides      about %d bytes (%sB) on a 32-bit processor\n",
		v.Persistent,
		si(int64(v.Persistent)),
	)
	if p := v.Patches; p != nil {
		a.printf(
			"  by patches         %d bytes (%sB), if operators 1 to %d ran in %dx%d patches, for %.1f %% more MACs; "+
				"TensorFlow Lite Micro has no patches\n",
			p.Bytes,
			si(int64(p.Bytes)),
			p.Operators,
			p.Grid,
			p.Grid,
			p.MoreMACsPct,
		)
	}
	a.printf("\n")
	live := v.plan.Live()
	t := table{head: []string{"operator", "", "live bytes", "0 to " + si(int64(v.Planned)) + "B"}}
	for at := range live {
		name := "(input)"
		if at > 0 {
			name = v.plan.Operators[at-1]
		}
		t.add(at, name, live[at], v.row(at))
	}
	t.write(a.stdout)
}

// mapColumns is the width of the map.
const mapColumns = 64

// row draws the memory during an operator.
func (v *arenaView) row(at int) string {
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

// figure draws the arena.
func (v *arenaView) figure(title string) report.Memory {
	f := report.Memory{
		Title: "Arena of " + title,
		Subtitle: fmt.Sprintf("TensorFlow Lite Micro, %s: %sB planned, and about %sB that stay on a 32-bit processor",
			v.DType, si(int64(v.Planned)), si(int64(v.Persistent))),
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
	f.Notes = append(
		f.Notes,
		fmt.Sprintf("At the worst moment, operator %s, %sB are live.", v.Worst, si(int64(v.Least))),
	)
	if p := v.Patches; p != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("If operators 1 to %d ran in %dx%d patches: %sB, for %.1f %% more "+
			"multiply-accumulates. TensorFlow Lite Micro has no patches.",
			p.Operators, p.Grid, p.Grid, si(int64(p.Bytes)), p.MoreMACsPct))
	}
	return f
}

// addArena plans the arena of a network, if --arena is given, and draws it if that names a file.
func (a *app) addArena(v *networkView, arg, flag string, n *resolve.Network) (err error) {
	if flag == "" {
		return nil
	}
	if v.Arena, err = arenaOf(arg, n); err != nil || flag == textOnly {
		return err
	}
	return a.draw(flag, v.Arena.figure(n.Title))
}
