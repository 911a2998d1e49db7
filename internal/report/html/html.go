// Package html writes the report of a run as one HTML page, and what the page of a
// run under way asks its server for.
package html

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"slices"
	"strings"

	"nas/internal/fault"
	"nas/internal/report"
)

// Page is the report of a run as one HTML file that needs nothing else: the main
// picture with a point for every trial to hover and click, the blocks and layers of
// the front's members and their latency, and further pictures. Of more than 20,000
// feasible or 5,000 infeasible trials a sample is drawn, and the page says so.
type Page struct {
	Fronts  report.Fronts // title, axes, constraints, references and notes; its series are not used
	Dir     string        // of the run, for the commands shown
	Device  string
	Facts   [][2]string // name and value, for the head of the page
	Blind   []string    // parts of an architecture that the score cannot see
	Trials  Trials
	Members []Member        // of the front
	Others  []string        // what further values of the members are, with their unit
	Figures []report.Figure // further pictures
	// Live makes a page of a run under way: it asks the server that it came from
	// for trials, see [Update] and [Network]; Trials and Members are not used.
	Live bool
	// Token, if not "", gives a live page buttons that pause and stop the run. The page sends it with what they ask for.
	Token string
}

// Member is a member of the front in detail.
type Member struct {
	Trial       int // index into Page.Trials
	XLow, XHigh float64
	YLow, YHigh float64
	Expected    float64   // Y after selection; NaN if unknown
	Warnings    []string  // of Y
	Others      []float64 // a value for each of Page.Others
	Network
}

// Network is what a click on a point shows.
type Network struct {
	// Diagram has rows only. They have no Parts if it is not known where the latency goes.
	Diagram report.Diagram
	Layers  []Layer
}

// Layer is a row of a layer table.
type Layer struct {
	Name, Op, Window, Out string
	Params, MACs          int64
}

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
	//go:embed page/chart.js
	chartJS string
	//go:embed page/card.js
	cardJS string
	//go:embed page/status.js
	statusJS string
	//go:embed page/live.js
	liveJS string
	//go:embed page/status.html
	statusHTML string
	//go:embed page/waiting.html
	waitingHTML string

	pageTemplate    = withStatus("page", pageHTML)
	waitingTemplate = withStatus("waiting", waitingHTML)
)

// withStatus parses a page that may have the part "status".
func withStatus(name, text string) *template.Template {
	return template.Must(template.Must(template.New("status").Parse(statusHTML)).New(name).Parse(text))
}

// script is a script of a page made of parts.
func script(parts ...string) template.JS {
	return template.JS("'use strict';\n(() => {\n" + strings.Join(parts, "") + "})();\n")
}

// WriteWaiting writes the page of a run that has no trials yet: what it does, and how far that has come. The page asks
// the server that it came from, and loads again when there are trials. token is that of [Page].
func WriteWaiting(w io.Writer, token string) error {
	return waitingTemplate.Execute(w, map[string]any{
		"CSS": template.CSS(pageCSS), "Token": token, "Live": true, "JS": script(statusJS, waitingJS),
	})
}

// waitingJS follows a run until it has trials.
const waitingJS = `
async function wait() {
  const u = await poll('trials?from=0');
  if (u && (u.run || u.ended)) { location.reload(); return; }
  setTimeout(wait, u && u.next > 1000 ? 2000 : 1000);
}
document.addEventListener('DOMContentLoaded', () => { watchButtons(); wait(); document.documentElement.dataset.ready = 'yes'; });
`

// dataMark stands for the data in the filled template. The scripts behind it do not
// contain it.
const dataMark = `{"data":"here"}`

// Write writes the report. Equal pages give equal bytes.
func Write(w io.Writer, p Page) error {
	figures, err := drawn(p.Figures)
	if err != nil {
		return err
	}
	sampled, notes := p.sample(), p.Fronts.Notes
	if sampled != nil {
		notes = append(slices.Clip(notes), sampled.note())
	}
	x, y := p.Fronts.X, p.Fronts.Y
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, map[string]any{
		"Title": p.Fronts.Title, "Subtitle": p.Fronts.Subtitle, "Facts": p.Facts, "Live": p.Live, "Token": p.Token,
		"Notes": notes, "Figures": figures, "CSS": template.CSS(pageCSS),
		"JS":   script(pageJS, chartJS, cardJS, statusJS, liveJS),
		"Data": template.JS(dataMark),
		"X":    x.Label, "XName": cmp.Or(x.Name, x.Label), "XUnit": x.Unit, "XMax": x.Maximize,
		"Y": y.Label, "YName": cmp.Or(y.Name, "score"), "YUnit": y.Unit, "YMax": y.Maximize,
	})
	if err == nil {
		err = p.write(w, b.Bytes(), sampled)
	}
	if err != nil {
		return fault.Errorf("report: %w", err)
	}
	return nil
}

// drawn are figures as parts of a page, wide and narrow.
func drawn(figures []report.Figure) (out [][2]template.HTML, err error) {
	for _, f := range figures {
		wide, narrow, err := Draw(f)
		if err != nil {
			return nil, err
		}
		out = append(out, [2]template.HTML{wide, narrow})
	}
	return out, nil
}

// Draw draws a figure as part of a page, for wide screens and for narrow ones.
func Draw(f report.Figure) (wide, narrow template.HTML, err error) {
	name, err := report.Title(f)
	if err != nil {
		return "", "", err
	}
	var b bytes.Buffer
	if err := report.Encode(&b, "svg", f); err != nil {
		return "", "", err
	}
	wide = inlineSVG(b.String(), name)
	b.Reset()
	if err := report.EncodeNarrow(&b, f); err != nil {
		return "", "", err
	}
	return wide, inlineSVG(b.String(), name), nil
}

// write writes the filled template with the data in place of its mark: of the sampled
// trials or, if s is nil, of all.
func (p Page) write(w io.Writer, page []byte, s *sample) error {
	data := p.data(s)
	head, err := json.Marshal(data.pageHead)
	if err != nil {
		return err
	}
	rest, err := json.Marshal(data.pageRest)
	if err != nil {
		return err
	}
	mark := bytes.LastIndex(page, []byte(dataMark))
	out := bufio.NewWriterSize(w, 1<<16)
	out.Write(page[:mark])
	out.Write(head[:len(head)-1])
	out.WriteString(`,"trials":`)
	p.Trials.write(out, s)
	out.WriteByte(',')
	out.Write(rest[1:])
	out.Write(page[mark+len(dataMark):])
	return out.Flush()
}

// inlineSVG drops the XML head of a figure and its size. The page sets the size, from
// the width that it is given as --wide. The figures are those of package report, which
// escapes the text in them. name is what a screen reader says.
func inlineSVG(svg, name string) template.HTML {
	svg = svg[strings.Index(svg, "<svg"):]
	open := svg[:strings.Index(svg, ">")+1]
	box := open[strings.Index(open, "viewBox="):]
	box = box[:strings.Index(box[9:], `"`)+10]
	width := strings.Fields(box)[2] // viewBox="0 0 WIDTH HEIGHT"
	return template.HTML(`<svg role="img" aria-label="` + template.HTMLEscapeString(name) +
		`" xmlns="http://www.w3.org/2000/svg" style="--wide:` + width + `pt" ` + box + ">" + svg[len(open):])
}
