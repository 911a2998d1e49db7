package accuracy

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
)

// A Benchmark is a table of networks that somebody trained.
type Benchmark struct {
	Name   string
	Source string // who trained them, on what
	Rows   []BenchmarkRow
}

// BenchmarkRow is one trained network.
type BenchmarkRow struct {
	ID      string
	Group   string  // family of networks, "" where all are of one
	Recipe  string  // class of training recipes, "" where all are of one
	Truth   float64 // accuracy that it was trained to, per cent
	MACs    int64
	Params  int64
	Network *blocks.Network
}

//go:embed data/*.csv
var tables embed.FS

// benchmarks maps the names of the built-in tables to their readers. Each
// stands in a file of its own.
var benchmarks = map[string]func() (*Benchmark, error){}

// Benchmarks returns the names of the built-in tables, sorted.
func Benchmarks() []string {
	var names []string
	for name := range benchmarks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// OpenBenchmark builds every network of a built-in table.
func OpenBenchmark(name string) (*Benchmark, error) {
	open, ok := benchmarks[name]
	if !ok {
		return nil, fmt.Errorf("accuracy: unknown benchmark %q, want one of %s", name, strings.Join(Benchmarks(), ", "))
	}
	return open()
}

// table is a CSV file with a header line.
type table struct {
	name   string
	column map[string]int
	rows   [][]string
}

func readTable(name string, r io.Reader) (*table, error) {
	c := csv.NewReader(r)
	all, err := c.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("accuracy: %s: %w: the file was cut off, or a text with commas lacks its quotes", name, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("accuracy: %s: want a header line, the file is empty", name)
	}
	t := &table{name: name, column: make(map[string]int, len(all[0])), rows: all[1:]}
	for i, h := range all[0] {
		t.column[strings.TrimSpace(h)] = i
	}
	return t, nil
}

func embeddedTable(file string) (*table, error) {
	text, err := tables.ReadFile("data/" + file)
	if err != nil {
		return nil, fmt.Errorf("accuracy: %w", err)
	}
	return readTable(file, bytes.NewReader(text))
}

func (t *table) need(columns ...string) error {
	for _, c := range columns {
		if _, ok := t.column[c]; !ok {
			return fmt.Errorf("accuracy: %s: line 1: column %q is missing", t.name, c)
		}
	}
	return nil
}

func (t *table) text(row int, column string) string { return t.rows[row][t.column[column]] }

func (t *table) float(row int, column string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(t.text(row, column)), 64)
	if err != nil {
		return 0, fmt.Errorf("accuracy: %s: line %d: %s is %q, want a number", t.name, row+2, column, t.text(row, column))
	}
	return v, nil
}

func (t *table) int(row int, column string) (int64, error) {
	v, err := strconv.ParseInt(strings.TrimSpace(t.text(row, column)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("accuracy: %s: line %d: %s is %q, want a whole number", t.name, row+2, column, t.text(row, column))
	}
	return v, nil
}
