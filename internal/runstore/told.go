package runstore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
)

// The files that hold what the user has told of trained networks.
const (
	ToldFile      = "told.csv"       // [ToldRow]
	ToldFrontFile = "front-told.csv" // [FrontRow], re-ranked by what was told
)

// ToldRow is a line of told.csv: a network that the user trained.
type ToldRow struct {
	ID           int // of the trial; -1 for a network that is none of the run
	ArchID, Arch string
	Accuracy     float64 // per cent
}

var toldColumns = []string{"id", "arch_id", "arch", "accuracy"}

// WriteTold writes told.csv into dir, atomically.
func WriteTold(dir string, rows []ToldRow) error {
	table := [][]string{toldColumns}
	for _, r := range rows {
		table = append(table, []string{strconv.Itoa(r.ID), r.ArchID, r.Arch, number(r.Accuracy)})
	}
	return writeCSV(filepath.Join(dir, ToldFile), table)
}

// ReadTold reads told.csv of dir. A missing file is no rows.
func ReadTold(dir string) (rows []ToldRow, err error) {
	_, err = readCSV(filepath.Join(dir, ToldFile), toldColumns, func(f *fields) {
		rows = append(rows, ToldRow{ID: int(f.int()), ArchID: f.text(), Arch: f.text(), Accuracy: f.float()})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		err = fmt.Errorf("%w: restore the file, or delete it and tell the run again what you trained", err)
	}
	return rows, err
}

// WriteToldFront is [WriteFront] for the front as it is by what was told.
func WriteToldFront(dir string, rows []FrontRow, extra ...string) error {
	return writeFront(filepath.Join(dir, ToldFrontFile), rows, extra)
}
