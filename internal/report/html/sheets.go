package html

import (
	_ "embed"
	"html/template"
	"io"
	"strconv"

	"nas/internal/fault"
	"nas/internal/report"
)

// Document is a page of tables and figures in the style of the run's report, without a script.
type Document struct {
	Title, Subtitle string
	Facts           [][2]string // name and value, for the head of the page
	Sheets          []Sheet
	Notes           []string // warnings
}

// Sheet is a part of a document.
type Sheet struct {
	Title   string
	Lines   []string
	Head    []string // of the table; columns in which not every cell begins with a number are set flush left
	Rows    [][]string
	Figures []report.Figure
}

//go:embed page/sheets.html
var sheetsHTML string

var sheetsTemplate = template.Must(template.New("sheets").Parse(sheetsHTML))

// WriteDocument writes a document. Equal documents give equal bytes.
func WriteDocument(w io.Writer, d Document) error {
	type sheet struct {
		Title, Lines, Head, Rows, Figures any
		Text                              []bool
	}
	var sheets []sheet
	for _, s := range d.Sheets {
		figures, err := drawn(s.Figures)
		if err != nil {
			return err
		}
		text := make([]bool, len(s.Head))
		for k := range text {
			for _, r := range s.Rows {
				text[k] = text[k] || !beginsWithNumber(r[k])
			}
		}
		sheets = append(sheets, sheet{s.Title, s.Lines, s.Head, s.Rows, figures, text})
	}
	err := sheetsTemplate.Execute(w, map[string]any{
		"Title": d.Title, "Subtitle": d.Subtitle, "Facts": d.Facts, "Sheets": sheets, "Notes": d.Notes,
		"CSS": template.CSS(pageCSS),
	})
	if err != nil {
		return fault.Errorf("report: %w", err)
	}
	return nil
}

// beginsWithNumber reports whether the first word of a cell is a number, or the cell says that there is none.
func beginsWithNumber(cell string) bool {
	for i := range cell {
		if cell[i] == ' ' {
			cell = cell[:i]
			break
		}
	}
	_, err := strconv.ParseFloat(cell, 64)
	return err == nil || cell == "-" || cell == ""
}
