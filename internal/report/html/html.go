package html

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"nas/internal/report"
)

// Page is the report of a run as one HTML file that needs nothing else: the main
// picture with a point for every trial, or for a sample of very many, to hover and
// click, what the front's members are made of and where their latency goes, and
// further pictures.
type Page struct {
	Fronts report.Fronts // title, axes, constraints, references and notes; its series are not used
	Dir    string        // of the run, for the commands shown
	Device string
	Facts  [][2]string // name and value, for the head of the page
	// Blind lists the parts of an architecture that the score cannot see.
	Blind   []string
	Trials  Trials          // of more than 20,000 feasible or 5,000 infeasible ones a sample is drawn, and the page says so
	Members []Member        // of the front
	Figures []report.Figure // further pictures
	// Live makes a page of a run under way: it asks the server that it came from
	// for trials, see [Update] and [Network]; Trials and Members are not used.
	Live bool
}

// Member is a member of the front in detail.
type Member struct {
	Trial       int // index into Page.Trials
	XLow, XHigh float64
	YLow, YHigh float64
	Network
}

// Network is what a click on a point shows.
type Network struct {
	Diagram report.Diagram // rows only; they have no parts if where the latency goes is unknown
	Layers  []Layer
}

// Layer is a row of a layer table.
type Layer struct {
	Name, Op, Window, Out string
	Params, MACs          int64
}

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

//go:embed page/chart.js
var chartJS string

//go:embed page/card.js
var cardJS string

//go:embed page/live.js
var liveJS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// dataMark stands where the data goes. It is not in the scripts, all that follows.
const dataMark = `{"data":"here"}`

// Write writes the report. Equal pages give equal bytes.
func Write(w io.Writer, p Page) error {
	var figures []template.HTML
	for _, f := range p.Figures {
		var b bytes.Buffer
		if err := report.Encode(&b, "svg", f); err != nil {
			return err
		}
		figures = append(figures, inlineSVG(b.String()))
	}
	few, notes := p.sample(), p.Fronts.Notes
	if few != nil {
		notes = append(slices.Clip(notes), few.note())
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, map[string]any{
		"Title": p.Fronts.Title, "Subtitle": p.Fronts.Subtitle, "Facts": p.Facts, "Notes": notes, "Blind": strings.Join(p.Blind, ", "),
		"Figures": figures, "CSS": template.CSS(pageCSS), "JS": template.JS("'use strict';\n(() => {\n" + pageJS + chartJS + cardJS + liveJS + "})();\n"), "Data": template.JS(dataMark), "X": p.Fronts.X.Label, "XName": cmp.Or(p.Fronts.X.Name, p.Fronts.X.Label), "XUnit": p.Fronts.X.Unit, "YName": cmp.Or(p.Fronts.Y.Name, "score"), "YUnit": p.Fronts.Y.Unit, "Y": p.Fronts.Y.Label, "Live": p.Live,
		"XMax": p.Fronts.X.Maximize, "YMax": p.Fronts.Y.Maximize,
	})
	if err == nil {
		err = p.write(w, b.Bytes(), few)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// write writes the page with the data of some of its trials, nil: all, in its place.
func (p Page) write(w io.Writer, page []byte, few *sample) error {
	data := p.data(few)
	first, err := json.Marshal(data.pageHead)
	if err != nil {
		return err
	}
	last, err := json.Marshal(data.pageRest)
	if err != nil {
		return err
	}
	at := bytes.LastIndex(page, []byte(dataMark))
	out := bufio.NewWriterSize(w, 1<<16)
	out.Write(page[:at])
	out.Write(first[:len(first)-1])
	out.WriteString(`,"trials":`)
	if err := p.Trials.write(out, few); err != nil {
		return err
	}
	out.WriteByte(',')
	out.Write(last[1:])
	out.Write(page[at+len(dataMark):])
	return out.Flush()
}

// inlineSVG drops the XML head of a figure and leaves its size to the page, which
// takes the width as --wide. Figures are made by this package, which escapes the
// text in them.
func inlineSVG(svg string) template.HTML {
	svg = svg[strings.Index(svg, "<svg"):]
	open := svg[:strings.Index(svg, ">")+1]
	box := open[strings.Index(open, "viewBox="):]
	box = box[:strings.Index(box[9:], `"`)+10]
	wide := strings.Fields(box)[2] // viewBox="0 0 WIDE HIGH"
	return template.HTML(`<svg role="img" xmlns="http://www.w3.org/2000/svg" style="--wide:` + wide + `pt" ` + box + ">" + svg[len(open):])
}

// pageData is what the script reads, with the trials in the middle. Columns
// instead of objects, and a dictionary of the words of arch strings and of layers,
// keep ten thousand trials in a megabyte or two.
type pageData struct {
	pageHead
	pageRest
}

type pageHead struct {
	Dir    string   `json:"dir"`
	Device string   `json:"device"`
	X      pageAxis `json:"x"`
	Y      pageAxis `json:"y"`
	Words  []string `json:"words"`
	Blind  []string `json:"blind"`
	Live   bool     `json:"live"`
	// Of is what the trials were chosen from, where they are not all.
	Of *pageOf `json:"of,omitempty"`
}

type pageOf struct {
	Tried      int      `json:"tried"`
	Infeasible int      `json:"infeasible"`
	X          [2]short `json:"x"` // what the axes span
	Y          [2]short `json:"y"`
}

type pageRest struct {
	Members     []pageMember     `json:"members"`
	Rows        [][]any          `json:"rows"`
	Layers      [][]any          `json:"layers"`
	Work        [][2]string      `json:"work"` // kinds of work and their colours
	References  []map[string]any `json:"references"`
	Constraints []map[string]any `json:"constraints"`
}

type pageAxis struct {
	Label string `json:"label"`
	Name  string `json:"name"`
	Unit  string `json:"unit"`
	Log   bool   `json:"log"`
	Max   bool   `json:"max"`
}

type pageColumns struct {
	ID     []int    `json:"id"`
	ArchID []string `json:"arch_id"`
	X      []short  `json:"x"`
	Y      []short  `json:"y"`
	Params []int64  `json:"params"`
	MACs   []int64  `json:"macs"`
	OK     []int    `json:"ok"`
}

type pageMember struct {
	Trial  int   `json:"trial"`
	Low    short `json:"low"`
	High   short `json:"high"`
	YLow   short `json:"y_low"`
	YHigh  short `json:"y_high"`
	Rows   []int `json:"rows,omitempty"`
	Layers []int `json:"layers,omitempty"`
}

// short is a number with five significant digits.
type short float64

func (s short) MarshalJSON() ([]byte, error) { return s.append(nil), nil }

func (s short) append(b []byte) []byte {
	v := float64(s)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', 5, 64)
}

// dictionary numbers strings in order of appearance.
type dictionary struct {
	words []string
	at    map[string]int
}

func (d *dictionary) of(word string) int {
	i, ok := d.at[word]
	if !ok {
		i = len(d.words)
		if d.at == nil {
			d.at = map[string]int{}
		}
		d.at[word] = i
		d.words = append(d.words, word)
	}
	return i
}

func (d *dictionary) ofBytes(word []byte) int {
	if i, ok := d.at[string(word)]; ok {
		return i
	}
	return d.of(string(word))
}

func axisData(a report.Axis) pageAxis { return pageAxis{a.Label, a.Name, a.Unit, a.Log, a.Maximize} }

func (p Page) data(few *sample) *pageData {
	d := &pageData{
		pageHead{Dir: p.Dir, Device: p.Device, Blind: append([]string{}, p.Blind...), Live: p.Live, X: axisData(p.Fronts.X), Y: axisData(p.Fronts.Y), Words: p.Trials.words.words},
		pageRest{Rows: [][]any{}, Layers: [][]any{}, Members: []pageMember{}, Work: workData(), References: []map[string]any{}, Constraints: []map[string]any{}},
	}
	if few != nil {
		span := func(v [2]float64) [2]short { return [2]short{short(v[0]), short(v[1])} }
		d.Of = &pageOf{few.tried, few.bad, span(few.x), span(few.y)}
	}
	var rows, layers dictionary // by what they are written as
	for _, m := range p.Members {
		at := m.Trial
		if few != nil {
			at, _ = slices.BinarySearch(few.trials, at)
		}
		q := pageMember{Trial: at, Low: short(m.XLow), High: short(m.XHigh), YLow: short(m.YLow), YHigh: short(m.YHigh)}
		for _, r := range m.Diagram.Rows {
			q.Rows = append(q.Rows, collect(&d.Rows, &rows, rowData(r)))
		}
		for _, l := range m.Layers {
			q.Layers = append(q.Layers, collect(&d.Layers, &layers, l.data()))
		}
		d.Members = append(d.Members, q)
	}
	for _, r := range p.Fronts.Finite().References {
		d.References = append(d.References, map[string]any{"group": r.Group, "label": r.Label, "x": short(r.X), "y": short(r.Y)})
	}
	for _, c := range p.Fronts.Constraints {
		d.Constraints = append(d.Constraints, map[string]any{"on_y": c.OnY, "value": short(c.Value), "label": c.Label})
	}
	return d
}

// collect returns the place of a row among those that differ.
func collect(all *[][]any, seen *dictionary, row []any) int {
	i := seen.of(fmt.Sprint(row))
	if i == len(*all) {
		*all = append(*all, row)
	}
	return i
}

func (t *pageColumns) add(x Trial) {
	t.ID, t.ArchID = append(t.ID, x.ID), append(t.ArchID, x.ArchID)
	t.X, t.Y = append(t.X, short(x.X)), append(t.Y, short(x.Y))
	t.Params, t.MACs = append(t.Params, x.Params), append(t.MACs, x.MACs)
	ok := 0
	if x.Feasible {
		ok = 1
	}
	t.OK = append(t.OK, ok)
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

// Update is what a live page gets again and again: how the run stands, and the
// trials that it has not seen.
type Update struct {
	Run     string // tells one run from the next that the same server shows
	Step    string // "search", "measure" ...
	Detail  string // "1200 of 4000"
	Next    int    // milliseconds until the page should ask again
	Ended   bool   // the report of the finished run is there
	From    int    // index of the first of Trials
	Trials  []Trial
	Members []Member // of the front as it is now, without Network
}

// MarshalJSON writes what page/live.js reads.
func (u Update) MarshalJSON() ([]byte, error) {
	out := struct {
		Run     string       `json:"run"`
		Step    string       `json:"step"`
		Detail  string       `json:"detail"`
		Next    int          `json:"next"`
		Ended   bool         `json:"ended"`
		From    int          `json:"from"`
		Trials  pageColumns  `json:"trials"`
		Archs   []string     `json:"archs"`
		Members []pageMember `json:"members"`
	}{Run: u.Run, Step: u.Step, Detail: u.Detail, Next: u.Next, Ended: u.Ended, From: u.From, Archs: []string{}, Members: []pageMember{}}
	for _, t := range u.Trials {
		out.Trials.add(t)
		out.Archs = append(out.Archs, t.Arch)
	}
	for _, m := range u.Members {
		out.Members = append(out.Members, pageMember{Trial: m.Trial, Low: short(m.XLow), High: short(m.XHigh), YLow: short(m.YLow), YHigh: short(m.YHigh)})
	}
	return json.Marshal(out)
}

// MarshalJSON writes what page/live.js reads.
func (n Network) MarshalJSON() ([]byte, error) {
	out := struct {
		Rows   [][]any `json:"rows"`
		Layers [][]any `json:"layers"`
	}{[][]any{}, [][]any{}}
	for _, r := range n.Diagram.Rows {
		out.Rows = append(out.Rows, rowData(r))
	}
	for _, l := range n.Layers {
		out.Layers = append(out.Layers, l.data())
	}
	return json.Marshal(out)
}
