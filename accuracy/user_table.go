package accuracy

import (
	"fmt"
	"io"
	"math"

	"nas/blocks"
)

// ReadBenchmark reads a table of the user's own: CSV with a header line and the
// columns arch (what lower turns into a network) and accuracy (per cent), and
// optionally id.
func ReadBenchmark(name string, r io.Reader, lower func(arch string) (*blocks.Network, error)) (*Benchmark, error) {
	t, err := readTable(name, r)
	if err != nil {
		return nil, err
	}
	if err := t.need("arch", "accuracy"); err != nil {
		return nil, err
	}
	_, hasID := t.column["id"]
	b := &Benchmark{Name: name, Source: "the user's table"}
	for i := range t.rows {
		row := BenchmarkRow{ID: t.text(i, "arch")}
		if hasID {
			row.ID = t.text(i, "id")
		}
		if row.Truth, err = t.float(i, "accuracy"); err != nil {
			return nil, err
		}
		if math.IsNaN(row.Truth) || row.Truth < 0 || row.Truth > 100 {
			return nil, fmt.Errorf("accuracy: %s: line %d: accuracy is %v, want per cent from 0 to 100", name, i+2, row.Truth)
		}
		if row.Network, err = lower(t.text(i, "arch")); err != nil {
			return nil, fmt.Errorf("accuracy: %s: line %d: %w", name, i+2, err)
		}
		c := row.Network.Counts()
		row.MACs, row.Params = c.MACs, c.Params
		b.Rows = append(b.Rows, row)
	}
	return b, nil
}
