package benchmark

import (
	"bytes"
	"embed"
	"slices"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/table"
)

// A Benchmark is a table of networks that somebody trained.
type Benchmark struct {
	Name   string
	Source string // who trained them, on what
	Rows   []Row
}

// Row is one trained network.
type Row struct {
	ID      string
	Group   string  // family of networks, "" where all are of one
	Recipe  string  // class of training Recipes, "" where all are of one
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

// Names returns the names of the built-in tables, sorted.
func Names() []string {
	var names []string
	for name := range benchmarks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Open builds every network of a built-in table.
func Open(name string) (*Benchmark, error) {
	open, ok := benchmarks[name]
	if !ok {
		return nil, fault.Errorf("accuracy: unknown benchmark %q, want one of %s", name, strings.Join(Names(), ", "))
	}
	return open()
}

// Text returns the text of a file of the folder data, which holds the built-in tables.
func Text(file string) ([]byte, error) {
	text, err := tables.ReadFile("data/" + file)
	if err != nil {
		return nil, fault.Errorf("accuracy: %w", err)
	}
	return text, nil
}

// embeddedTable reads a built-in table.
func embeddedTable(file string) (*table.Table, error) {
	text, err := Text(file)
	if err != nil {
		return nil, err
	}
	t, err := table.Read(file, bytes.NewReader(text))
	if err != nil {
		return nil, fault.Errorf("accuracy: %w", err)
	}
	return t, nil
}
