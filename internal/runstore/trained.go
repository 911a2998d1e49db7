package runstore

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"nas/internal/table"
)

// TrainedRow is a line of told.csv: a network that the user trained.
type TrainedRow struct {
	ID           int // of the trial; -1 for a network that is none of the run
	ArchID, Arch string
	Accuracy     float64 // per cent
}

var trainedColumns = []string{"id", "arch_id", "arch", "accuracy"}

// WriteTrained writes told.csv into dir, atomically.
func WriteTrained(dir string, rows []TrainedRow) error {
	lines := [][]string{trainedColumns}
	for _, r := range rows {
		lines = append(lines, []string{strconv.Itoa(r.ID), r.ArchID, r.Arch, numberText(r.Accuracy)})
	}
	return writeCSV(filepath.Join(dir, TrainedFile), lines)
}

// ReadTrained reads told.csv of dir. A missing file is no rows.
func ReadTrained(dir string) (rows []TrainedRow, err error) {
	const cure = "restore the file, or delete it and tell the run again what you trained"
	err = readTable(filepath.Join(dir, TrainedFile), trainedColumns, cure, func(r *table.Row) {
		rows = append(rows, TrainedRow{
			ID: int(r.Int("id")), ArchID: r.Text("arch_id"), Arch: r.Text("arch"), Accuracy: r.FloatOrNaN("accuracy"),
		})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return rows, err
}
