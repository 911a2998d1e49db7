package table

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, text string) *Table {
	t.Helper()
	tab, err := Read("t.csv", strings.NewReader(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return tab
}

// What spreadsheets write is one table.
func TestDialects(t *testing.T) {
	for _, text := range []string{
		"name,ms,n\na,1.5,7\n\"b, c\",,8\n",
		"\xef\xbb\xbfname,ms,n\r\na,1.5,7\r\n\"b, c\",,8",
		"name;ms;n\na;1,5;7\nb, c;;8\n",
		"name\tms\tn\na\t1.5\t7\nb, c\t\t8\n",
		"\n Name , MS,N\n a, 1.5, 7\n,,\n \"b, c\", , 8\n\n",
	} {
		tab := read(t, text)
		if !tab.Has("name", "ms", "n") || tab.Has("name", "x") || tab.Either("x", "ms", "n") != "ms" || len(tab.Rows) != 2 {
			t.Fatalf("%q: columns %q, %d rows", text, tab.Columns, len(tab.Rows))
		}
		a, b := tab.Rows[0], tab.Rows[1]
		if a.Text("name") != "a" || a.Float("ms") != 1.5 || a.Int("n") != 7 || a.Err() != nil ||
			b.Text("name") != "b, c" || !math.IsNaN(b.FloatOrNaN("ms")) || b.Int("n") != 8 || b.Err() != nil {
			t.Errorf("%q: %v, %v, %v, %v", text, a.cells, a.Err(), b.cells, b.Err())
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "t.csv: want a table with a header line, the file is empty"},
		{"\xef\xbb\xbf\r\n", "t.csv: want a table with a header line, the file is empty"},
		{"\xff\xfea\x00", "t.csv: the text is in UTF-16: save it as UTF-8"},
		{"a,ms\n\"a\"b,1\n", "t.csv line 2, character 3: text behind a closing quote"},
		{"a,ms\na\"b,1\n", "t.csv line 2, character 2: a quote inside of a text"},
		{"a,ms\n1,2\n\"a,1\n", "t.csv line 3, character 6: text behind a closing quote, or a quote that is never closed"},
		{"a,ms\n1,2,3\n", "t.csv line 2 has 3 fields, the header line has 2: a text with a comma lacks its quotes"},
		{"ms,a,MS\n", "t.csv line 1: two columns are called MS"},
		{strings.Repeat("a,", maxColumns), "more than 1000 columns"},
	} {
		if _, err := Read("t.csv", strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30q: %v, want %q", c.text, err, c.want)
		}
	}
	const missing = `t.csv line 1: column "ms" is missing among a, b`
	if err := read(t, "a,b\n").Need("a", "ms"); err == nil || err.Error() != missing {
		t.Errorf("a missing column: %v", err)
	}
}

// A row says all that is wrong with it, and where.
func TestRowErrors(t *testing.T) {
	r := read(t, "a,b,c,d\n1,2,3,4\n\n x,Inf,0.5\n").Rows[1]
	r.Int("a")
	r.Float("a")
	r.Float("b")
	if r.Float("c"); r.Err() == nil {
		t.Fatal("no error")
	}
	r.Fail("c", "want a number above %d", 1)
	r.Text("e") // the table has none
	want := []string{
		`t.csv line 4, column 1: a "x": want a whole number`,
		`t.csv line 4, column 2: b "Inf": want a number`,
		`t.csv line 4, column 3: c "0.5": want a number above 1`,
	}
	if got := strings.Split(r.Err().Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("%q,\nwant %q", got, want)
	}
	short := `t.csv line 4 ends before the column d: the file was cut off, or a comma is missing`
	if r.FloatOrNaN("d"); r.Err().Error() != short {
		t.Errorf("%q,\nwant %q", r.Err(), short)
	}
}

// Per cent may have its sign and a decimal comma. What may be something else is refused.
func TestPercent(t *testing.T) {
	for text, want := range map[string]string{
		"a;b\n71,5 %;72\n": "", "a\tb\n71,5%\t72\n": "", "a,b\n71.5,72\n": "", "a,b\n71.5,0.9%\n": "", "a,b\n71.5,0\n": "",
		"a;b\n71,5;100,1%\n":   `b "100,1%": want per cent, 0 to 100`,
		"a;b\n71,5;72.5\n":     `b "72.5": a number with a '.', others of the table have a ','`,
		"a,b\n71.5,\"72,5\"\n": `b "72,5": want per cent, 0 to 100`,
		"a,b\n71.5,0.725\n":    `b "0.725": per cent or a fraction? If all are fractions, want 72.5 here; if this is per cent, want 0.725%`,
		"a;b\n71,5;1\n":        `b "1": per cent or a fraction?`,
	} {
		r := read(t, text).Rows[0]
		a, _ := r.Percent("a"), r.Percent("b")
		if err := r.Err(); a != 71.5 || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %q", text, a, err, want)
		}
	}
	_, err := Read("t.csv", strings.NewReader("a,b\n1,2,3\n"))
	if err == nil || !strings.Contains(err.Error(), "decimal commas: separate fields by semicolons") {
		t.Errorf("decimal commas between commas: %v", err)
	}
}

// FuzzRead: nothing panics; what is read is, written plainly, read again.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"network,ms\n\"a\"b,1\n", "a;b\n\"1;\n2\";3\n", "\xef\xbb\xbfa\tb\n\t1\n", "a,b,c\n1\n", "a\n\"\"\"\"\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tab, err := Read("t.csv", strings.NewReader(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "t.csv") {
				t.Fatalf("an error without the file: %v", err)
			}
			return
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		head := make([]string, len(tab.Columns)) // separators in names would be taken for those of the table
		for i := range head {
			head[i] = fmt.Sprint("c", i)
		}
		w.Write(head)
		for _, r := range tab.Rows {
			w.Write(r.cells)
			for _, c := range tab.Columns {
				r.Float(strings.ToLower(c))
				r.Int(strings.ToLower(c))
			}
			if r.line < 2 {
				t.Fatalf("row of line %d", r.line)
			}
			r.Err()
		}
		w.Flush()
		again, err := Read("t.csv", &b)
		if err != nil || len(again.Rows) != len(tab.Rows) {
			t.Fatalf("%d rows (%v), want %d", len(again.Rows), err, len(tab.Rows))
		}
		for i, r := range again.Rows {
			if !slices.Equal(r.cells, tab.Rows[i].cells) {
				t.Fatalf("row %d: %q, want %q", i, r.cells, tab.Rows[i].cells)
			}
		}
	})
}
