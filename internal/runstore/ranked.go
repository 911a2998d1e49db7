package runstore

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"

	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/table"
)

// RankedRow is a line of ranked-told.csv: a trial near the front with the accuracy by which it was ranked anew.
type RankedRow struct {
	ID       int
	Accuracy Value   // per cent: trained, the mean over its seeds, or by the surrogate
	Score    float64 // of the run
	Seeds    int     // that it was trained with; 0: the accuracy is the surrogate's
}

var rankedColumns = []string{"id", "accuracy", "accuracy_low", "accuracy_high", "score", "seeds"}

// WriteRanked writes ranked-told.csv into dir, atomically.
func WriteRanked(dir string, rows []RankedRow) error {
	lines := [][]string{rankedColumns}
	for _, r := range rows {
		lines = append(lines, []string{strconv.Itoa(r.ID), numberText(r.Accuracy.Mid), numberText(r.Accuracy.Low),
			numberText(r.Accuracy.High), numberText(r.Score), strconv.Itoa(r.Seeds)})
	}
	return writeCSV(filepath.Join(dir, RankedFile), lines)
}

// ReadRanked reads ranked-told.csv of dir. A missing file is no rows.
func ReadRanked(dir string) (rows []RankedRow, err error) {
	const cure = "delete the file, or tell the run again"
	err = readTable(filepath.Join(dir, RankedFile), rankedColumns, cure, func(r *table.Row) {
		rows = append(rows, RankedRow{ID: int(r.Int("id")), Seeds: int(r.Int("seeds")), Score: r.FloatOrNaN("score"),
			Accuracy: Value{Mid: r.Float("accuracy"), Low: r.FloatOrNaN("accuracy_low"), High: r.FloatOrNaN("accuracy_high")}})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return rows, err
}

// trainedColumn is the column of front.csv that told.csv gives it.
const trainedColumn = "accuracy_trained"

// maxFront is how many bytes a front.csv may have.
const maxFront = 64 << 20

// NoteTrained gives front.csv of dir a column with the accuracies in told.csv, per cent and empty for a network that is
// not trained. Without one of the files it does nothing.
func NoteTrained(dir string) error {
	trained, err := ReadTrained(dir)
	if err != nil || trained == nil {
		return err
	}
	path := filepath.Join(dir, FrontFile)
	data, err := boundedfile.Read(path, maxFront)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fault.Errorf("runstore: %w: nas run --resume writes it anew", err)
	}
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(lines) == 0 {
		return fault.Errorf("runstore: %s is damaged (%w): nas run --resume writes it anew", path, err)
	}
	id, at := slices.Index(lines[0], "arch_id"), slices.Index(lines[0], trainedColumn)
	if id < 0 {
		return fault.Errorf("runstore: %s has no column arch_id: nas run --resume writes it anew", path)
	}
	for i, line := range lines {
		text := trainedColumn
		if i > 0 {
			text = ""
			if k := slices.IndexFunc(trained, func(r TrainedRow) bool { return r.ArchID == line[id] }); k >= 0 {
				text = numberText(trained[k].Accuracy())
			}
		}
		if at < 0 {
			lines[i] = append(line, text)
		} else {
			line[at] = text
		}
	}
	return writeCSV(path, lines)
}
