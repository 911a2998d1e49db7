// Package table reads tables that people and programs keep in text files: CSV (RFC
// 4180) with a header line, as spreadsheets write it. Fields may be separated by
// commas, semicolons or tabs; a byte order mark and the case of column names do not
// matter. Errors name the file, the line and the column.
package table

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Limits of a table: more is refused.
const (
	maxBytes   = 64 << 20
	maxColumns = 1000
)

// Table is a table that was read as a whole.
type Table struct {
	Name    string   // of the file, for errors
	Columns []string // as they stand in the header line
	Rows    []*Row   // without those that have no text at all
	index   map[string]int
	comma   rune
	mark    byte // point or comma, of the first number that has one; 0 before it
	asked   bool // whether numbers are fractions
}

// Row is one row. Its getters record what is wrong with a value, for Err, and return
// a zero value; so a row can be read as a whole and judged once.
type Row struct {
	table  *Table
	line   int
	cells  []string
	short  error    // the row ends too early
	failed []string // columns
	errs   []error  // of each
}

// Read reads a table. name stands in errors.
func Read(name string, r io.Reader) (*Table, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%s: the table has more than %d MB", name, maxBytes>>20)
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%s: the text is in UTF-16: save it as UTF-8", name)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	t := &Table{Name: name, index: map[string]int{}, comma: separator(data)}
	in := csv.NewReader(bytes.NewReader(data))
	in.Comma, in.FieldsPerRecord = t.comma, -1
	in.TrimLeadingSpace = t.comma != '\t' // else it takes an empty field for space
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s %w", name, quoting(err))
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		line, _ := in.FieldPos(0)
		switch empty := !slices.ContainsFunc(cells, func(s string) bool { return s != "" }); {
		case empty:
		case t.Columns == nil:
			if err := t.header(cells); err != nil {
				return nil, fmt.Errorf("%s line %d: %w", name, line, err)
			}
		case len(cells) > len(t.Columns):
			return nil, fmt.Errorf("%s line %d has %d fields, the header line has %d: a text with a %s lacks its quotes%s",
				name, line, len(cells), len(t.Columns), separatorNames[t.comma], map[rune]string{
					',': ", or numbers have decimal commas: separate fields by semicolons",
				}[t.comma])
		default:
			t.Rows = append(t.Rows, &Row{table: t, line: line, cells: cells})
		}
	}
	if t.Columns == nil {
		return nil, fmt.Errorf("%s: want a table with a header line, the file is empty", name)
	}
	return t, nil
}

var separatorNames = map[rune]string{',': "comma", ';': "semicolon", '\t': "tab"}

// separator is what the header line has most of outside of quotes.
func separator(data []byte) rune {
	line, _, _ := bytes.Cut(bytes.TrimLeft(data, "\r\n"), []byte("\n"))
	count := map[rune]int{}
	quoted := false
	for _, c := range string(line) {
		if c == '"' {
			quoted = !quoted
		}
		if !quoted {
			count[c]++
		}
	}
	best := ','
	for _, c := range ";\t" {
		if count[c] > count[best] {
			best = c
		}
	}
	return best
}

// quoting says what the csv package's errors mean.
func quoting(err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return err
	}
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return fmt.Errorf("line %d, character %d: a quote inside of a text: want the whole text in quotes, "+
			"and this one twice", p.Line, p.Column)
	case errors.Is(err, csv.ErrQuote):
		return fmt.Errorf("line %d, character %d: text behind a closing quote, or a quote that is never closed: "+
			"want a quote that belongs to a text in quotes written twice", p.Line, p.Column)
	}
	return fmt.Errorf("line %d, character %d: %w", p.Line, p.Column, p.Err)
}

func (t *Table) header(cells []string) error {
	if len(cells) > maxColumns {
		return fmt.Errorf("the table has more than %d columns", maxColumns)
	}
	for i, c := range cells {
		key := strings.ToLower(c)
		if _, twice := t.index[key]; twice && c != "" {
			return fmt.Errorf("two columns are called %s: want a name of its own for each", c)
		}
		t.index[key] = i
	}
	t.Columns = cells
	return nil
}

// Has tells whether the table has all of the columns. Names of columns are in lower
// case, here and in all other functions.
func (t *Table) Has(columns ...string) bool {
	for _, c := range columns {
		if _, ok := t.index[c]; !ok {
			return false
		}
	}
	return true
}

// Either returns the first of the columns that the table has, or "".
func (t *Table) Either(columns ...string) string {
	for _, c := range columns {
		if t.Has(c) {
			return c
		}
	}
	return ""
}

// Need returns an error that names the first of the columns which the table lacks.
func (t *Table) Need(columns ...string) error {
	for _, c := range columns {
		if !t.Has(c) {
			return fmt.Errorf("%s line 1: column %q is missing among %s", t.Name, c, strings.Join(t.Columns, ", "))
		}
	}
	return nil
}

// String is the place of the row: the table's name and the line.
func (r *Row) String() string { return fmt.Sprintf("%s line %d", r.table.Name, r.line) }

// Text returns the text of a column, without white space around it; "" if the table
// has no such column. A row that ends before the column is an error.
func (r *Row) Text(column string) string {
	i, ok := r.table.index[column]
	switch {
	case !ok:
		return ""
	case i < len(r.cells):
		return r.cells[i]
	case r.short == nil:
		r.short = fmt.Errorf("%s line %d ends before the column %s: the file was cut off, or a %s is missing",
			r.table.Name, r.line, column, separatorNames[r.table.comma])
	}
	return ""
}

// Float returns the finite number of a column. Where semicolons or tabs separate fields,
// all numbers of the table may have a decimal comma.
func (r *Row) Float(column string) float64 {
	v, ok := r.parse(column, r.Text(column))
	if !ok {
		r.Fail(column, "want a number")
	}
	return v
}

// Percent returns the number of a column, which is from 0 to 100 and may have a
// per cent sign. Without the sign, a number of 1 or less may be a fraction: the first of a
// table is refused.
func (r *Row) Percent(column string) float64 {
	text, sign := strings.CutSuffix(r.Text(column), "%")
	v, ok := r.parse(column, strings.TrimSpace(text))
	switch {
	case !ok || v < 0 || v > 100:
		r.Fail(column, "want per cent, 0 to 100")
	case !sign && v > 0 && v <= 1 && !r.table.asked:
		r.table.asked = true
		r.Fail(column, "per cent or a fraction? If all are fractions, want %.6g here; if this is per cent, want %s%%",
			100*v, text)
	}
	return v
}

// parse reads a number. One with a decimal comma is unambiguous where commas do not separate
// fields and no other number has a point: else the comma may be one of thousands.
func (r *Row) parse(column, text string) (v float64, ok bool) {
	t := r.table
	if mark := strings.IndexAny(text, ".,"); mark >= 0 && t.comma != ',' {
		if t.mark == 0 {
			t.mark = text[mark]
		}
		if text[mark] != t.mark {
			r.Fail(column, "a number with a %q, others of the table have a %q: want one decimal mark, "+
				"and none of thousands", text[mark], t.mark)
		}
		text = strings.Replace(text, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// FloatOrNaN is Float, or NaN where the field is empty.
func (r *Row) FloatOrNaN(column string) float64 {
	if r.Text(column) == "" {
		return math.NaN()
	}
	return r.Float(column)
}

// Int returns the whole number of a column.
func (r *Row) Int(column string) int64 {
	v, err := strconv.ParseInt(r.Text(column), 10, 64)
	if err != nil {
		r.Fail(column, "want a whole number")
		return 0
	}
	return v
}

// Fail records what is wrong with the value of a column, such as "want a number
// above 0". Of a column the first complaint counts.
func (r *Row) Fail(column, format string, args ...any) {
	if !slices.Contains(r.failed, column) {
		r.failed = append(r.failed, column)
		r.errs = append(r.errs, fmt.Errorf("%s line %d, column %d: %s %.80q: %w",
			r.table.Name, r.line, r.table.index[column]+1, column, r.Text(column), fmt.Errorf(format, args...)))
	}
}

// Err returns all that was found wrong with the row so far, a line each; of a row
// that ends too early, that alone.
func (r *Row) Err() error {
	if r.short != nil {
		return r.short
	}
	return errors.Join(r.errs...)
}
