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
	"nas/search"
)

// FrontRow is a line of front.csv: a member of the front. Values that a run does
// not have are NaN and stand as empty fields.
type FrontRow struct {
	ID                                int
	ArchID, Arch                      string
	Latency, Accuracy                 Value // without BetweenSD
	Params, MACs, PeakActivationBytes int64
	LatencyDevice                     string
	OnFront                           float64 // probability that no other network tried is better
}

var frontColumns = []string{
	"id", "arch_id", "arch", "latency_ms", "latency_low_ms", "latency_high_ms", "accuracy", "accuracy_low", "accuracy_high",
	"params", "macs", "peak_activation_bytes", "latency_device", "p_front",
}

// FrontRowOf is the row of a trial, with its latency on a device, which that field holds.
func FrontRowOf(t *search.Trial, of Field, device string, onFront float64) FrontRow {
	count := func(key string) int64 { return int64(Number(&t.Result, key)) }
	return FrontRow{
		ID: t.ID, ArchID: t.ArchID, Arch: t.Arch,
		Latency: of.Of(&t.Result), Accuracy: FieldOf(KeyAccuracy).Of(&t.Result),
		Params: count(KeyParams), MACs: count(KeyMACs), PeakActivationBytes: count(KeyActivations),
		LatencyDevice: device, OnFront: onFront,
	}
}

// WriteFront writes a front into dir, atomically: as [FrontFile] or [RerankedFile].
func WriteFront(dir, name string, rows []FrontRow) error {
	table := [][]string{frontColumns}
	for i := range rows {
		r := &rows[i]
		table = append(table, []string{
			strconv.Itoa(r.ID), r.ArchID, r.Arch,
			number(r.Latency.Mid), number(r.Latency.Low), number(r.Latency.High),
			number(r.Accuracy.Mid), number(r.Accuracy.Low), number(r.Accuracy.High),
			strconv.FormatInt(r.Params, 10), strconv.FormatInt(r.MACs, 10), strconv.FormatInt(r.PeakActivationBytes, 10),
			r.LatencyDevice, number(r.OnFront),
		})
	}
	return writeCSV(filepath.Join(dir, name), table)
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
	err = readCSV(filepath.Join(dir, MeasuredFile), measuredColumns, func(f *fields) {
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

// readCSV calls row for each line behind a header that begins with columns.
func readCSV(path string, columns []string, row func(*fields)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("runstore: %w", err)
	}
	in := csv.NewReader(bytes.NewReader(data))
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return fmt.Errorf("runstore: %s: %w", path, err)
	}
	if len(header) < len(columns) || !slices.Equal(header[:len(columns)], columns) {
		return fmt.Errorf("runstore: %s line 1: the columns are %.60q; want %s", path, strings.Join(header, ","), strings.Join(columns, ","))
	}
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("runstore: %s is damaged: %w", path, err)
		}
		f := fields{header: header, line: line}
		if row(&f); f.err != nil {
			n, _ := in.FieldPos(0)
			return fmt.Errorf("runstore: %s line %d: %w", path, n, f.err)
		}
	}
}
