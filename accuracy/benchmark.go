package accuracy

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"nas/blocks"
	"nas/internal/table"
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

// embeddedTable reads a built-in table.
func embeddedTable(file string) (*table.Table, error) {
	f, err := tables.Open("data/" + file)
	if err != nil {
		return nil, fmt.Errorf("accuracy: %w", err)
	}
	defer f.Close()
	t, err := table.Read(file, f)
	if err != nil {
		return nil, fmt.Errorf("accuracy: %w", err)
	}
	return t, nil
}
