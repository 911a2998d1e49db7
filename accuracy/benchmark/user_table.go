package benchmark

import (
	"errors"
	"io"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/table"
)

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
