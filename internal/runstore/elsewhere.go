package runstore

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"nas/internal/table"
)

// ElsewhereRow is a line of measured-elsewhere.csv: a trial of the run, timed by another process or machine.
type ElsewhereRow struct {
	ID                     int
	ArchID                 string
	Worker                 string // that timed it
	Device                 string // on which
	Threads                int
	MedianMs, P10Ms, P90Ms float64
	Runs                   int
}

var elsewhereColumns = []string{
	"id", "arch_id", "worker", "device", "threads", "measured_ms", "p10_ms", "p90_ms", "runs",
}

// WriteElsewhere writes measured-elsewhere.csv into dir, atomically.
func WriteElsewhere(dir string, rows []ElsewhereRow) error {
	lines := [][]string{elsewhereColumns}
	for _, r := range rows {
		lines = append(lines, []string{strconv.Itoa(r.ID), r.ArchID, r.Worker, r.Device, strconv.Itoa(r.Threads),
			numberText(r.MedianMs), knownText(r.P10Ms), knownText(r.P90Ms), strconv.Itoa(r.Runs)})
	}
	return writeCSV(filepath.Join(dir, ElsewhereFile), lines)
}

// ReadElsewhere reads measured-elsewhere.csv of dir. A missing file is no rows.
func ReadElsewhere(dir string) (rows []ElsewhereRow, err error) {
	path := filepath.Join(dir, ElsewhereFile)
	err = readTable(path, elsewhereColumns, "restore the file, or delete it and tell the run again", func(r *table.Row) {
		rows = append(rows, ElsewhereRow{
			ID: int(r.Int("id")), ArchID: r.Text("arch_id"), Worker: r.Text("worker"), Device: r.Text("device"),
			Threads: int(r.Int("threads")), MedianMs: r.Float("measured_ms"), P10Ms: r.FloatOrNaN("p10_ms"),
			P90Ms: r.FloatOrNaN("p90_ms"), Runs: int(r.Int("runs")),
		})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return rows, err
}
