package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is text in columns, two spaces apart. Columns in which every cell is a
// number are set flush right. Columns in which every cell is "-", for none, are left out.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = oneLine(fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

func (t *table) write(w io.Writer) {
	t = t.filled()
	width := make([]int, len(t.head))
	right := make([]bool, len(t.head))
	for i, h := range t.head {
		width[i], right[i] = utf8.RuneCountInString(h), len(t.rows) > 0
		for _, r := range t.rows {
			width[i] = max(width[i], utf8.RuneCountInString(r[i]))
			right[i] = right[i] && isNumber(r[i])
		}
	}
	for _, r := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if right[i] {
				line.WriteString(pad + cell + "  ")
			} else {
				line.WriteString(cell + pad + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// filled returns the table without the columns that say nothing.
func (t *table) filled() *table {
	out := &table{rows: make([][]string, len(t.rows))}
	for i, h := range t.head {
		if len(t.rows) > 0 && !slices.ContainsFunc(t.rows, func(r []string) bool { return r[i] != "-" }) {
			continue
		}
		out.head = append(out.head, h)
		for k, r := range t.rows {
			out.rows[k] = append(out.rows[k], r[i])
		}
	}
	return out
}

// isNumber accepts what the commands print as figures: 12, 1.5, 3.4 M, 97 %,
// 56x56x24, and - for none.
func isNumber(s string) bool {
	return strings.Trim(s, "0123456789.,+-x% kMG") == ""
}

// si formats a count with three or four digits and a unit: 1.23 G, 45.6 M, 789 k.
func si(n int64) string {
	v := float64(n)
	for _, u := range []struct {
		size float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if v >= u.size {
			return strconv.FormatFloat(v/u.size, 'f', decimals(v/u.size), 64) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// decimals are those of a number with three significant digits.
func decimals(v float64) int {
	switch {
	case v >= 100:
		return 0
	case v >= 10:
		return 1
	}
	return 2
}

// ms formats milliseconds with three significant digits.
func ms(v float64) string { return strconv.FormatFloat(v, 'f', decimals(v)+boolInt(v < 1), 64) }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// trimFloat writes a number in full, without an exponent.
func trimFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
