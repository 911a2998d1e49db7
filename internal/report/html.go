package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
)

// Page is the report of a run as one HTML file that needs nothing else: the main
// picture with a point for every trial to hover and click, what the front's
// members are made of and where their latency goes, and further pictures.
type Page struct {
	Fronts Fronts // title, axes, constraints, references and notes; its series are not used
	Dir    string // of the run, for the commands shown
	Device string
	Facts  [][2]string // name and value, for the head of the page
	// Blind lists the parts of an architecture that the score cannot see.
	Blind   []string
	Trials  []PageTrial
	Members []PageMember // of the front
	Figures []Figure     // further pictures
}

// PageTrial is a scored trial.
type PageTrial struct {
	ID           int
	ArchID, Arch string
	X, Y         float64
	Params, MACs int64
	Feasible     bool
}

// PageMember is a member of the front in detail.
type PageMember struct {
	Trial       int // index into Page.Trials
	XLow, XHigh float64
	Blocks      Breakdown // where its latency goes; no rows if that is unknown
	Layers      []PageLayer
}

// PageLayer is a row of a layer table.
type PageLayer struct {
	Name, Op, Window, Out string
	Params, MACs          int64
}

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// WritePage writes the report. Equal pages give equal bytes.
func WritePage(w io.Writer, p Page) error {
	data, err := json.Marshal(p.data())
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var figures []template.HTML
	for _, f := range p.Figures {
		var b bytes.Buffer
		if err := Encode(&b, "svg", f); err != nil {
			return err
		}
		figures = append(figures, inlineSVG(b.String()))
	}
	name := p.Fronts.X.Name
	if name == "" {
		name = p.Fronts.X.Label
	}
	err = pageTemplate.Execute(w, map[string]any{
		"Title": p.Fronts.Title, "Subtitle": p.Fronts.Subtitle, "Facts": p.Facts, "Notes": p.Fronts.Notes, "Blind": strings.Join(p.Blind, ", "),
		"Figures": figures, "CSS": template.CSS(pageCSS), "JS": template.JS(pageJS), "Data": template.JS(data), "X": p.Fronts.X.Label, "XName": name, "Y": p.Fronts.Y.Label,
	})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// inlineSVG drops the XML head and the fixed size of a figure. Figures are made by
// this package, which escapes the text in them.
func inlineSVG(svg string) template.HTML {
	svg = svg[strings.Index(svg, "<svg"):]
	open := svg[:strings.Index(svg, ">")+1]
	box := open[strings.Index(open, "viewBox="):]
	box = box[:strings.Index(box[9:], `"`)+10]
	return template.HTML(`<svg role="img" xmlns="http://www.w3.org/2000/svg" ` + box + ">" + svg[len(open):])
}

// pageData is what the script reads. Columns instead of objects, and a dictionary
// of the words of arch strings and of layers, keep ten thousand trials in a
// megabyte or two.
type pageData struct {
	Dir         string           `json:"dir"`
	Device      string           `json:"device"`
	X           pageAxis         `json:"x"`
	Y           pageAxis         `json:"y"`
	Words       []string         `json:"words"`
	Blind       []string         `json:"blind"`
	Trials      pageColumns      `json:"trials"`
	Members     []pageMember     `json:"members"`
	Layers      [][]any          `json:"layers"`
	Kinds       []string         `json:"kinds"`
	Colors      []string         `json:"colors"`
	References  []map[string]any `json:"references"`
	Constraints []map[string]any `json:"constraints"`
}

type pageAxis struct {
	Label string `json:"label"`
	Name  string `json:"name"`
	Log   bool   `json:"log"`
	Max   bool   `json:"max"`
}

type pageColumns struct {
	ID     []int    `json:"id"`
	ArchID []string `json:"arch_id"`
	Arch   [][]int  `json:"arch"`
	X      []short  `json:"x"`
	Y      []short  `json:"y"`
	Params []int64  `json:"params"`
	MACs   []int64  `json:"macs"`
	OK     []int    `json:"ok"`
}

type pageMember struct {
	Trial  int         `json:"trial"`
	Low    short       `json:"low"`
	High   short       `json:"high"`
	Blocks []pageBlock `json:"blocks"`
	Layers []int       `json:"layers"`
}

type pageBlock struct {
	Label string           `json:"label"`
	Parts map[string]short `json:"parts"`
}

// short is a number with five significant digits.
type short float64

func (s short) MarshalJSON() ([]byte, error) {
	v := float64(s)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, v, 'g', 5, 64), nil
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

func (p Page) data() *pageData {
	d := &pageData{
		Dir: p.Dir, Device: p.Device, Blind: p.Blind,
		X:       pageAxis{p.Fronts.X.Label, p.Fronts.X.Name, p.Fronts.X.Log, p.Fronts.X.Maximize},
		Y:       pageAxis{p.Fronts.Y.Label, p.Fronts.Y.Name, p.Fronts.Y.Log, p.Fronts.Y.Maximize},
		Layers:  [][]any{},
		Members: []pageMember{}, References: []map[string]any{}, Constraints: []map[string]any{},
	}
	var words dictionary
	t := &d.Trials
	for _, x := range p.Trials {
		t.ID, t.ArchID = append(t.ID, x.ID), append(t.ArchID, x.ArchID)
		t.X, t.Y = append(t.X, short(x.X)), append(t.Y, short(x.Y))
		t.Params, t.MACs = append(t.Params, x.Params), append(t.MACs, x.MACs)
		ok := 0
		if x.Feasible {
			ok = 1
		}
		t.OK = append(t.OK, ok)
		arch := []int{}
		for _, word := range strings.Fields(x.Arch) {
			arch = append(arch, words.of(word))
		}
		t.Arch = append(t.Arch, arch)
	}
	d.Words = words.words
	rows := map[PageLayer]int{}
	all := Breakdown{}
	for _, m := range p.Members {
		q := pageMember{Trial: m.Trial, Low: short(m.XLow), High: short(m.XHigh), Blocks: []pageBlock{}, Layers: []int{}}
		for _, r := range m.Blocks.Rows {
			b := pageBlock{r.Label, map[string]short{}}
			for _, part := range r.Parts {
				b.Parts[part.Kind] += short(part.Value)
			}
			q.Blocks = append(q.Blocks, b)
		}
		all.Rows = append(all.Rows, m.Blocks.Rows...)
		for _, l := range m.Layers {
			i, ok := rows[l]
			if !ok {
				i = len(d.Layers)
				rows[l] = i
				d.Layers = append(d.Layers, []any{l.Name, l.Op, l.Window, l.Out, l.Params, l.MACs})
			}
			q.Layers = append(q.Layers, i)
		}
		d.Members = append(d.Members, q)
	}
	d.Kinds = all.kinds()
	for i := range d.Kinds {
		c := seriesColor(i)
		d.Colors = append(d.Colors, fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B))
	}
	for _, r := range p.Fronts.finite().References {
		d.References = append(d.References, map[string]any{"group": r.Group, "label": r.Label, "x": short(r.X), "y": short(r.Y)})
	}
	for _, c := range p.Fronts.Constraints {
		d.Constraints = append(d.Constraints, map[string]any{"on_y": c.OnY, "value": short(c.Value), "label": c.Label})
	}
	return d
}
