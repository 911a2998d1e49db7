package feedback

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"nas/internal/results"
	"nas/internal/runstore"
	"nas/space"
)

// readTable reads a table of trained networks with the columns arch or id, and accuracy. Each line may
// be wrong in its own way: all of them are named. Lines without an accuracy are left out: those
// networks were asked for and are not trained yet.
func readTable(path string, s *results.Stored) ([]runstore.TrainedRow, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("feedback: %w", err)
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.FieldsPerRecord, in.TrimLeadingSpace = -1, true
	head, err := in.Read()
	if errors.Is(err, io.EOF) {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("feedback: %s: want a table with the columns id or arch, and accuracy, such as nas ask --out writes: %w",
			path, err)
	}
	column := func(names ...string) int {
		return slices.IndexFunc(head, func(h string) bool {
			return slices.Contains(names, strings.ToLower(strings.TrimSpace(h)))
		})
	}
	id, arch, acc := column("id", "arch_id", "trial"), column("arch"), column("accuracy", "top1_pct")
	if acc < 0 || id < 0 && arch < 0 {
		return nil, fmt.Errorf("feedback: %s line 1: the columns are %s; want id or arch, and accuracy in per cent",
			path, strings.Join(head, ","))
	}
	var lines []tableLine
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("feedback: %s: %w", path, err)
		}
		n, _ := in.FieldPos(0)
		cell := func(i int) string {
			if i < 0 || i >= len(cells) {
				return ""
			}
			return strings.TrimSpace(cells[i])
		}
		l := tableLine{n: n, id: cell(id)}
		switch {
		case acc >= len(cells):
			l.err = fmt.Errorf("feedback: %s line %d ends before the column %s: the file was cut off, or a comma is missing",
				path, n, head[acc])
		case cell(acc) == "":
			continue
		default:
			if l.row, err = parseRow(cell(arch), cell(acc)); err != nil {
				l.err = fmt.Errorf("feedback: %s line %d: %w", path, n, err)
			}
		}
		lines = append(lines, l)
	}
	if err := identify(s.Dir, lines); err != nil {
		return nil, err
	}
	var rows []runstore.TrainedRow
	var bad []error
	for _, l := range lines {
		switch {
		case l.err != nil:
			bad = append(bad, l.err)
		case l.row.ArchID == "":
			bad = append(bad, fmt.Errorf("feedback: %s line %d: id %q: %s has the trials 0 to %d", path, l.n, l.id, s.Dir, s.Trials-1))
		default:
			rows = append(rows, l.row)
		}
	}
	if len(bad) == 0 && len(rows) == 0 {
		return nil, fmt.Errorf("feedback: %s holds no network with an accuracy: fill in the column %s", path, head[acc])
	}
	return rows, errors.Join(bad...)
}

// tableLine is a line of a table; err says what is wrong with it.
type tableLine struct {
	n   int
	id  string // of a trial, or its arch id
	row runstore.TrainedRow
	err error
}

// parseRow makes a row of a network that is named by its arch, or by "", and its accuracy.
func parseRow(arch, acc string) (runstore.TrainedRow, error) {
	r := runstore.TrainedRow{ID: -1}
	v, err := strconv.ParseFloat(strings.TrimSuffix(acc, "%"), 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return r, fmt.Errorf("accuracy %q: want per cent, 0 to 100", acc)
	}
	r.Accuracy = v
	if arch != "" {
		a, err := space.Parse(arch)
		if err != nil {
			return r, err
		}
		r.ArchID, r.Arch = a.ID(), a.String()
	}
	return r, nil
}

// identify finds the trials of the lines among those of the run in dir: by their arch where they have
// one, by their id otherwise. Of several trials that fit it takes the first.
func identify(dir string, lines []tableLine) error {
	byArch, byID := map[string][]*runstore.TrainedRow{}, map[string][]*runstore.TrainedRow{}
	for i := range lines {
		l := &lines[i]
		switch {
		case l.err != nil:
		case l.row.ArchID != "":
			byArch[l.row.ArchID] = append(byArch[l.row.ArchID], &l.row)
		default:
			byID[l.id] = append(byID[l.id], &l.row)
		}
	}
	for t, err := range runstore.Glances(dir) {
		if err != nil {
			return err
		}
		if len(byArch)+len(byID) == 0 {
			break
		}
		take := func(of map[string][]*runstore.TrainedRow, key string) {
			for _, r := range of[key] {
				r.ID, r.ArchID, r.Arch = t.ID, string(t.ArchID), string(t.Arch)
			}
			delete(of, key)
		}
		take(byArch, string(t.ArchID))
		take(byID, string(t.ArchID))
		take(byID, strconv.Itoa(t.ID))
	}
	return nil
}
