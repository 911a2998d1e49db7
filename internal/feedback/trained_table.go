package feedback

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/table"
	"nas/space"
)

// readTable reads a table of trained networks with the columns arch or id, and accuracy. Each line may
// be wrong in its own way: all of them are named. Lines without an accuracy are left out: those
// networks were asked for and are not trained yet. Lines of one network are one row: its seeds.
func readTable(path string, s *results.Stored) ([]runstore.TrainedRow, error) {
	f, err := boundedfile.Open(path)
	if err != nil {
		return nil, fault.Errorf("feedback: %w", err)
	}
	defer f.Close()
	t, err := table.Read(path, f)
	if err != nil {
		return nil, fault.Errorf("feedback: %w: want a table with the columns id or arch, and accuracy, "+
			"such as nas ask --out writes", err)
	}
	id, arch, accuracy := t.Either("id", "arch_id", "trial"), t.Either("arch"), t.Either("accuracy", "top1_pct")
	if accuracy == "" || id == "" && arch == "" {
		return nil, fault.Errorf("feedback: %s line 1: the columns are %s; want id or arch, and accuracy in per cent",
			path, strings.Join(t.Columns, ","))
	}
	var lines []tableLine
	for _, row := range t.Rows {
		if row.Text(accuracy) == "" && row.Err() == nil {
			continue
		}
		l := tableLine{Row: row, id: row.Text(id)}
		l.trained = runstore.TrainedRow{ID: -1, Accuracies: []float64{row.Percent(accuracy)}}
		if text := row.Text(arch); text != "" {
			a, err := space.Parse(text)
			if err != nil {
				row.Fail(arch, "%w", err)
			}
			l.trained.ArchID, l.trained.Arch = a.ID(), a.String()
		}
		lines = append(lines, l)
	}
	if err := identify(s.Dir, lines); err != nil {
		return nil, err
	}
	var rows []runstore.TrainedRow
	var bad []error
	for _, l := range lines {
		if l.Err() == nil && l.trained.ArchID == "" {
			l.Fail(cmp.Or(id, arch), "%s has the trials 0 to %d", s.Dir, s.Trials-1)
		}
		if l.disagrees(s.Trials) {
			l.Fail(id, "want the trial with the arch of this line, which is not %s of %s: one of the two was changed", l.id,
				s.Dir)
		}
		if err := l.Err(); err != nil {
			bad = append(bad, fault.Errorf("feedback: %w", err))
			continue
		}
		rows = addTrained(rows, l.trained, false)
	}
	if len(bad) == 0 && len(rows) == 0 {
		return nil, fault.Errorf("feedback: %s holds no network with an accuracy: fill in the column %s", path, accuracy)
	}
	return rows, errors.Join(bad...)
}

// addTrained adds a trained network to rows: to the row of its own, if there is one. For again see
// [runstore.TrainedRow.Add].
func addTrained(rows []runstore.TrainedRow, r runstore.TrainedRow, again bool) []runstore.TrainedRow {
	i := slices.IndexFunc(rows, func(q runstore.TrainedRow) bool { return q.ArchID == r.ArchID })
	if i < 0 {
		return append(rows, r)
	}
	rows[i].Add(r.Accuracies, again)
	return rows
}

// tableLine is a row of the table and the network that it says was trained.
type tableLine struct {
	*table.Row
	id      string // of a trial, or its arch id
	trained runstore.TrainedRow
}

// disagrees reports whether a line names one of so many trials and gives the arch of another network.
func (l *tableLine) disagrees(trials int) bool {
	if l.Err() != nil || l.trained.ArchID == "" || l.id == "" || l.id == l.trained.ArchID {
		return false
	}
	if n, err := strconv.Atoi(l.id); err == nil && n >= 0 && n < trials {
		return n != l.trained.ID
	}
	return archID.MatchString(l.id) // of a network, and not of this one
}

// archID is the form of an arch id.
var archID = regexp.MustCompile("^[0-9a-f]{12}$")

// identify finds the trials of the lines among those of the run in dir: by their arch where they have
// one, by their id otherwise. Of several trials that fit it takes the first.
func identify(dir string, lines []tableLine) error {
	byArch, byID := map[string][]*runstore.TrainedRow{}, map[string][]*runstore.TrainedRow{}
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Err() != nil:
		case l.trained.ArchID != "":
			byArch[l.trained.ArchID] = append(byArch[l.trained.ArchID], &l.trained)
		default:
			byID[l.id] = append(byID[l.id], &l.trained)
		}
	}
	for t, err := range runstore.TrialViews(dir) {
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
