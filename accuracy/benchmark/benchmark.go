package benchmark

import (
	"bytes"
	"embed"
	"errors"
	"hash/fnv"
	"io"
	"maps"
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

// The classes of training recipes, told apart by the name under which a result was
// published, before any accuracy was looked at.
const (
	// BaseRecipe is a paper's or a library's first recipe: random crops and flips.
	BaseRecipe = "base"
	// AugmentedRecipe uses AutoAugment, RandAugment, mixup and the like.
	AugmentedRecipe = "augmented"
	// StrongRecipe trains long on top of that, or on adversarial examples.
	StrongRecipe = "strong"
	// EarlyRecipe is that of MobileNetV1 and V2 by their authors, 2017 and 2018. This
	// class was added after models without it had erred to one side on both families.
	// What the same networks gained by later recipes agrees with it: 1.2 to 1.5 points
	// for V2, 0.3 to 0.7 for MnasNet and V3. Errors and intervals of the fitted estimate
	// are therefore computed without it.
	EarlyRecipe = "early"
	// DistilledRecipe trains a part of a larger network on what that says.
	DistilledRecipe = "distilled"
)

// Recipes are all classes, BaseRecipe first.
var Recipes = []string{BaseRecipe, AugmentedRecipe, StrongRecipe, EarlyRecipe, DistilledRecipe}

// Row is one trained network.
type Row struct {
	ID      string
	Group   string  // family of networks, "" if the benchmark has one family
	Recipe  string  // class of training recipes, "" if the benchmark has one recipe
	Truth   float64 // trained accuracy, per cent
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
func Names() []string { return slices.Sorted(maps.Keys(benchmarks)) }

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

// A Split is a subset of a benchmark's networks.
type Split string

// The splits. A hash of a network's id decides which half it belongs to. Formulas and
// settings of the accuracy packages were chosen on the development half alone; the
// other half is for reporting.
const (
	AllNetworks Split = "all"
	Development Split = "development"
	HeldOut     Split = "held-out"
)

// Has tells whether the network of an id belongs to the split.
func (s Split) Has(id string) bool {
	if s == AllNetworks {
		return true
	}
	h := fnv.New32a()
	io.WriteString(h, id)
	return (int(h.Sum32()>>3)%2 == 0) == (s == Development)
}

// Split returns the rows that belong to a split.
func (b *Benchmark) Split(s Split) ([]Row, error) {
	if s != AllNetworks && s != Development && s != HeldOut {
		return nil, fault.Errorf("accuracy: unknown split %q, want %s, %s or %s", s, AllNetworks, Development, HeldOut)
	}
	var rows []Row
	for _, r := range b.Rows {
		if s.Has(r.ID) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// Read reads a table of the user's own: CSV with a header line and the
// columns arch (what lower turns into a network) and accuracy (per cent), and
// optionally id.
func Read(name string, r io.Reader, lower func(arch string) (*blocks.Network, error)) (*Benchmark, error) {
	t, err := table.Read(name, r)
	if err == nil {
		err = t.Need("arch", "accuracy")
	}
	if err != nil {
		return nil, fault.Errorf("accuracy: %w", err)
	}
	id := t.Either("id", "arch")
	b := &Benchmark{Name: name, Source: "the user's table"}
	var wrong []error
	for _, row := range t.Rows {
		r := Row{ID: row.Text(id), Truth: row.Percent("accuracy")}
		if r.Network, err = lower(row.Text("arch")); err != nil {
			row.Fail("arch", "%w", err)
		}
		if err := row.Err(); err != nil {
			if wrong = append(wrong, fault.Errorf("accuracy: %w", err)); len(wrong) == mostWrong {
				break
			}
			continue
		}
		c := r.Network.Counts()
		r.MACs, r.Params = c.MACs, c.Params
		b.Rows = append(b.Rows, r)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return b, nil
}

// mostWrong bounds how many rows of a table are complained of at once.
const mostWrong = 20
