package runstore

import (
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nas/internal/table"
)

// TrainedRow is a line of told.csv: a network that the user trained, once or with several seeds.
type TrainedRow struct {
	ID           int // of the trial; -1 for a network that is none of the run
	ArchID, Arch string
	Accuracies   []float64 // per cent, one for each seed, ascending; at least one
}

// Accuracy is the mean over the seeds, in per cent.
func (r *TrainedRow) Accuracy() float64 {
	sum := 0.0
	for _, a := range r.Accuracies {
		sum += a
	}
	return sum / float64(len(r.Accuracies))
}

// SD is the standard deviation between seeds, in points of accuracy; NaN of a single one.
func (r *TrainedRow) SD() float64 {
	mean, sum := r.Accuracy(), 0.0
	for _, a := range r.Accuracies {
		sum += (a - mean) * (a - mean)
	}
	return math.Sqrt(sum / float64(len(r.Accuracies)-1))
}

// Add adds the accuracies of other trainings. With again, of what may have been added before, those that the row has
// already count once.
func (r *TrainedRow) Add(accuracies []float64, again bool) {
	more := slices.Clone(accuracies)
	for _, a := range r.Accuracies {
		if i := slices.Index(more, a); again && i >= 0 {
			more = slices.Delete(more, i, i+1)
		}
	}
	r.Accuracies = append(r.Accuracies, more...)
	slices.Sort(r.Accuracies)
}

// The columns that every told.csv has, and those that version 0.3 added.
var (
	trainedColumns = []string{"id", "arch_id", "arch", "accuracy"}
	seedColumns    = []string{"seeds", "accuracy_sd", "accuracies"}
)

// WriteTrained writes told.csv into dir, atomically.
func WriteTrained(dir string, rows []TrainedRow) error {
	lines := [][]string{slices.Concat(trainedColumns, seedColumns)}
	for i := range rows {
		r := &rows[i]
		each := make([]string, len(r.Accuracies))
		for j, a := range r.Accuracies {
			each[j] = numberText(a)
		}
		lines = append(lines, []string{
			strconv.Itoa(r.ID), r.ArchID, r.Arch, numberText(r.Accuracy()),
			strconv.Itoa(len(each)), numberText(r.SD()), strings.Join(each, " "),
		})
	}
	return writeCSV(filepath.Join(dir, TrainedFile), lines)
}

// ReadTrained reads told.csv of dir. A missing file is no rows.
func ReadTrained(dir string) (rows []TrainedRow, err error) {
	const cure = "restore the file, or delete it and tell the run again what you trained"
	err = readTable(filepath.Join(dir, TrainedFile), trainedColumns, cure, func(r *table.Row) {
		row := TrainedRow{ID: int(r.Int("id")), ArchID: r.Text("arch_id"), Arch: r.Text("arch")}
		if !isOf([]byte(row.Arch), []byte(row.ArchID)) {
			r.Fail("arch", "want the arch whose arch_id is %s", row.ArchID)
		}
		for _, text := range strings.Fields(r.Text("accuracies")) {
			a, err := strconv.ParseFloat(text, 64)
			if err != nil {
				r.Fail("accuracies", "want numbers with blanks between them")
			}
			row.Accuracies = append(row.Accuracies, a)
		}
		if row.Accuracies == nil {
			row.Accuracies = []float64{r.Float("accuracy")}
		}
		rows = append(rows, row)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return rows, err
}
