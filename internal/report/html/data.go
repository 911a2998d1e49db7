package html

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"nas/internal/report"
)

// pageData is what page/page.js reads, apart from the trials, which are written between
// its two halves. Columns instead of objects, and dictionaries of the words of arch
// strings, of diagram rows and of layers keep ten thousand trials in a megabyte or two.
type pageData struct {
	pageHead
	pageRest
}

type pageHead struct {
	Dir    string      `json:"dir"`
	Device string      `json:"device"`
	X      axisData    `json:"x"`
	Y      axisData    `json:"y"`
	Words  []string    `json:"words"`
	Blind  []string    `json:"blind"`
	Unfit  string      `json:"unfit"` // what the trials are that cannot be on the front
	Live   bool        `json:"live"`
	Of     *sampleData `json:"of,omitempty"` // nil if all trials are drawn
}

// sampleData is what the trials of a page were chosen from.
type sampleData struct {
	Tried      int      `json:"tried"` // feasible
	Infeasible int      `json:"infeasible"`
	X          [2]short `json:"x"` // ends of the axes
	Y          [2]short `json:"y"`
}

type pageRest struct {
	Members     []memberData     `json:"members"`
	Others      []string         `json:"others,omitempty"` // what the others of the members are
	Rows        [][]any          `json:"rows"`
	Layers      [][]any          `json:"layers"`
	Work        [][2]string      `json:"work"` // kinds of work and their colours
	References  []map[string]any `json:"references"`
	Constraints []map[string]any `json:"constraints"`
}

type axisData struct {
	Label string `json:"label"`
	Name  string `json:"name"`
	Unit  string `json:"unit"`
	Log   bool   `json:"log"`
	Max   bool   `json:"max"`
}

type memberData struct {
	Trial  int      `json:"trial"`
	Low    short    `json:"low"`
	High   short    `json:"high"`
	YLow   short    `json:"y_low"`
	YHigh  short    `json:"y_high"`
	Expect short    `json:"expected"`
	Warn   []string `json:"warnings,omitempty"`
	Others []short  `json:"others,omitempty"`
	Rows   []int    `json:"rows,omitempty"`
	Layers []int    `json:"layers,omitempty"`
}

// short is a number with five significant digits, null if it is not finite.
type short float64

func (s short) MarshalJSON() ([]byte, error) { return s.append(nil), nil }

func (s short) append(b []byte) []byte {
	v := float64(s)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', 5, 64)
}

// data returns the data of a page with the sampled trials or, if s is nil, with all.
func (p Page) data(s *sample) *pageData {
	axis := func(a report.Axis) axisData { return axisData{a.Label, a.Name, a.Unit, a.Log, a.Maximize} }
	d := &pageData{
		pageHead{
			Dir: p.Dir, Device: p.Device, Blind: append([]string{}, p.Blind...), Live: p.Live,
			Unfit: p.Fronts.UnfitWord(),
			X:     axis(p.Fronts.X), Y: axis(p.Fronts.Y), Words: p.Trials.words.words,
		},
		pageRest{
			Rows: [][]any{}, Layers: [][]any{}, Members: []memberData{}, Work: workData(),
			References: []map[string]any{}, Constraints: []map[string]any{},
		},
	}
	d.Others = p.Others
	if s != nil {
		ends := func(v [2]float64) [2]short { return [2]short{short(v[0]), short(v[1])} }
		d.Of = &sampleData{s.feasible, s.infeasible, ends(s.x), ends(s.y)}
	}
	var rows, layers dictionary // of their text
	for _, m := range p.Members {
		q := m.data()
		if s != nil {
			q.Trial, _ = slices.BinarySearch(s.trials, q.Trial)
		}
		for _, r := range m.Diagram.Rows {
			q.Rows = append(q.Rows, intern(&d.Rows, &rows, rowData(r)))
		}
		for _, l := range m.Layers {
			q.Layers = append(q.Layers, intern(&d.Layers, &layers, l.data()))
		}
		d.Members = append(d.Members, q)
	}
	for _, r := range p.Fronts.Finite().References {
		d.References = append(d.References,
			map[string]any{"group": r.Group, "label": r.Label, "x": short(r.X), "y": short(r.Y)})
	}
	for _, c := range p.Fronts.Constraints {
		d.Constraints = append(d.Constraints,
			map[string]any{"on_y": c.OnY, "value": short(c.Value), "label": c.Label})
	}
	return d
}

// intern returns the index of a row among the distinct rows, to which it is added if
// it is new.
func intern(distinct *[][]any, seen *dictionary, row []any) int {
	i := seen.of(fmt.Sprint(row))
	if i == len(*distinct) {
		*distinct = append(*distinct, row)
	}
	return i
}

// data returns a member without its network.
func (m *Member) data() memberData {
	d := memberData{
		Trial: m.Trial, Low: short(m.XLow), High: short(m.XHigh), YLow: short(m.YLow), YHigh: short(m.YHigh),
		Expect: short(m.Expected), Warn: m.Warnings,
	}
	for _, v := range m.Others {
		d.Others = append(d.Others, short(v))
	}
	return d
}

func (l Layer) data() []any { return []any{l.Name, l.Op, l.Window, l.Out, l.Params, l.MACs} }

func rowData(r report.DiagramRow) []any {
	ops := [][2]string{}
	for _, o := range r.Ops {
		ops = append(ops, [2]string{o.Text, o.Kind})
	}
	parts := [][2]any{}
	for _, p := range r.Parts {
		parts = append(parts, [2]any{p.Kind, short(p.Value)})
	}
	return []any{r.Name, r.Shape, r.Acts, ops, r.Residual && !r.Branched, r.Branched, parts}
}

func workData() [][2]string {
	var out [][2]string
	for kind, c := range report.WorkColors {
		out = append(out, [2]string{kind, fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}
