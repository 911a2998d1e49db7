package runstore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
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
	table := [][]string{trainedColumns}
	for _, r := range rows {
		table = append(table, []string{strconv.Itoa(r.ID), r.ArchID, r.Arch, number(r.Accuracy)})
	}
	return writeCSV(filepath.Join(dir, TrainedFile), table)
}

// ReadTrained reads told.csv of dir. A missing file is no rows.
func ReadTrained(dir string) (rows []TrainedRow, err error) {
	err = readCSV(filepath.Join(dir, TrainedFile), trainedColumns, func(f *fields) {
		rows = append(rows, TrainedRow{ID: int(f.int()), ArchID: f.text(), Arch: f.text(), Accuracy: f.float()})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		err = fmt.Errorf("%w: restore the file, or delete it and tell the run again what you trained", err)
	}
	return rows, err
}
