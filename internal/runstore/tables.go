package runstore

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nas/internal/atomicfile"
)

// FrontRow is a line of front.csv: a member of the front. Values that a run does
// not have are NaN and stand as empty fields.
type FrontRow struct {
	ID                                     int
	ArchID, Arch                           string
	LatencyMs, LatencyLowMs, LatencyHighMs float64
	Accuracy, AccuracyLow, AccuracyHigh    float64
	Params, MACs, PeakActivationBytes      int64
	LatencyDevice                          string
	Extra                                  []float64 // further columns, as many as are named
}

var frontColumns = []string{
	"id", "arch_id", "arch", "latency_ms", "latency_low_ms", "latency_high_ms", "accuracy", "accuracy_low", "accuracy_high",
	"params", "macs", "peak_activation_bytes", "latency_device",
}

// WriteFront writes front.csv into dir, atomically. extra names the columns of
// [FrontRow.Extra], behind the fixed ones.
func WriteFront(dir string, rows []FrontRow, extra ...string) error {
	return writeFront(filepath.Join(dir, FrontFile), rows, extra)
}

func writeFront(path string, rows []FrontRow, extra []string) error {
	table := [][]string{append(slices.Clone(frontColumns), extra...)}
	for i := range rows {
		r := &rows[i]
		if len(r.Extra) != len(extra) {
			return fmt.Errorf("runstore: trial %d has %d further values for the columns %v of %s", r.ID, len(r.Extra), extra, filepath.Base(path))
		}
		line := []string{
			strconv.Itoa(r.ID), r.ArchID, r.Arch,
			number(r.LatencyMs), number(r.LatencyLowMs), number(r.LatencyHighMs),
			number(r.Accuracy), number(r.AccuracyLow), number(r.AccuracyHigh),
			strconv.FormatInt(r.Params, 10), strconv.FormatInt(r.MACs, 10), strconv.FormatInt(r.PeakActivationBytes, 10),
			r.LatencyDevice,
		}
		for _, v := range r.Extra {
			line = append(line, number(v))
		}
		table = append(table, line)
	}
	return writeCSV(path, table)
}

// ReadFront reads front.csv of dir. It returns the names of the columns behind
// the fixed ones, too.
func ReadFront(dir string) (rows []FrontRow, extra []string, err error) {
	columns, err := readCSV(filepath.Join(dir, FrontFile), frontColumns, func(f *fields) {
		r := FrontRow{
			ID: int(f.int()), ArchID: f.text(), Arch: f.text(),
			LatencyMs: f.float(), LatencyLowMs: f.float(), LatencyHighMs: f.float(),
			Accuracy: f.float(), AccuracyLow: f.float(), AccuracyHigh: f.float(),
			Params: f.int(), MACs: f.int(), PeakActivationBytes: f.int(), LatencyDevice: f.text(),
		}
		for f.more() {
			r.Extra = append(r.Extra, f.float())
		}
		rows = append(rows, r)
	})
	return rows, columns, err
}

// MeasuredRow is a line of measured.csv: a member of the front, timed on a
// device.
type MeasuredRow struct {
	ID                         int
	Device                     string
	Threads                    int
	PredictedMs, LowMs, HighMs float64
	MeasuredMs, P10Ms, P90Ms   float64
	Runs                       int
}

var measuredColumns = []string{
	"id", "device", "threads", "predicted_ms", "low_ms", "high_ms", "measured_ms", "p10_ms", "p90_ms", "runs",
}

// WriteMeasured writes measured.csv into dir, atomically.
func WriteMeasured(dir string, rows []MeasuredRow) error {
	table := [][]string{measuredColumns}
	for _, r := range rows {
		table = append(table, []string{
			strconv.Itoa(r.ID), r.Device, strconv.Itoa(r.Threads), number(r.PredictedMs), number(r.LowMs), number(r.HighMs),
			number(r.MeasuredMs), number(r.P10Ms), number(r.P90Ms), strconv.Itoa(r.Runs),
		})
	}
	return writeCSV(filepath.Join(dir, MeasuredFile), table)
}

// ReadMeasured reads measured.csv of dir. A missing file gives
// [os.ErrNotExist].
func ReadMeasured(dir string) (rows []MeasuredRow, err error) {
	_, err = readCSV(filepath.Join(dir, MeasuredFile), measuredColumns, func(f *fields) {
		rows = append(rows, MeasuredRow{
			ID: int(f.int()), Device: f.text(), Threads: int(f.int()), PredictedMs: f.float(), LowMs: f.float(), HighMs: f.float(),
			MeasuredMs: f.float(), P10Ms: f.float(), P90Ms: f.float(), Runs: int(f.int()),
		})
	})
	return rows, err
}

// number is the shortest text of v; NaN is empty.
func number(v float64) string {
	if v != v {
		return ""
	}
	return string(bytes.Trim(appendFloat(nil, v), `"`))
}

func writeCSV(path string, table [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(table); err != nil {
		return fmt.Errorf("runstore: %s: %w", path, err)
	}
	return atomicfile.WriteFile(path, b.Bytes())
}

// fields hands out the fields of one line; after the first bad one only zero
// values.
type fields struct {
	header, line []string
	next         int
	err          error
}

func (f *fields) more() bool { return f.next < len(f.line) }

func (f *fields) text() string {
	f.next++
	return f.line[f.next-1]
}

func (f *fields) int() int64 {
	v, err := strconv.ParseInt(f.text(), 10, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("column %s: %q stands where a number is wanted", f.header[f.next-1], f.line[f.next-1])
	}
	return v
}

func (f *fields) float() float64 {
	s := f.text()
	if s == "" {
		s = "NaN"
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("column %s: %q stands where a number is wanted", f.header[f.next-1], f.line[f.next-1])
	}
	return v
}

// readCSV calls row for each line behind a header that begins with columns, and
// returns the rest of the header.
func readCSV(path string, columns []string, row func(*fields)) (extra []string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("runstore: %w", err)
	}
	in := csv.NewReader(bytes.NewReader(data))
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("runstore: %s: %w", path, err)
	}
	if len(header) < len(columns) || !slices.Equal(header[:len(columns)], columns) {
		return nil, fmt.Errorf("runstore: %s line 1: the columns are %.60q; want %s", path, strings.Join(header, ","), strings.Join(columns, ","))
	}
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			return header[len(columns):], nil
		}
		if err != nil {
			return nil, fmt.Errorf("runstore: %s is damaged: %w", path, err)
		}
		f := fields{header: header, line: line}
		if row(&f); f.err != nil {
			n, _ := in.FieldPos(0)
			return nil, fmt.Errorf("runstore: %s line %d: %w", path, n, f.err)
		}
	}
}
