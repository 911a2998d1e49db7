package runstore

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"

	"nas/internal/atomicfile"
	"nas/internal/fault"
	"nas/internal/table"
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
	lines := [][]string{frontColumns}
	for i := range rows {
		r := &rows[i]
		lines = append(lines, []string{
			strconv.Itoa(r.ID), r.ArchID, r.Arch,
			numberText(r.Latency.Mid), numberText(r.Latency.Low), numberText(r.Latency.High),
			numberText(r.Accuracy.Mid), numberText(r.Accuracy.Low), numberText(r.Accuracy.High),
			strconv.FormatInt(r.Params, 10), strconv.FormatInt(r.MACs, 10), strconv.FormatInt(r.PeakActivationBytes, 10),
			r.LatencyDevice, numberText(r.OnFront),
		})
	}
	return writeCSV(filepath.Join(dir, name), lines)
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
	lines := [][]string{measuredColumns}
	for _, r := range rows {
		lines = append(lines, []string{
			strconv.Itoa(r.ID), r.Device, strconv.Itoa(r.Threads), numberText(r.PredictedMs), numberText(r.LowMs), numberText(r.HighMs),
			numberText(r.MeasuredMs), numberText(r.P10Ms), numberText(r.P90Ms), strconv.Itoa(r.Runs),
		})
	}
	return writeCSV(filepath.Join(dir, MeasuredFile), lines)
}

// ReadMeasured reads measured.csv of dir. A missing file gives
// [os.ErrNotExist].
func ReadMeasured(dir string) (rows []MeasuredRow, err error) {
	path, cure := filepath.Join(dir, MeasuredFile), "restore the file, or delete it"
	err = readTable(path, measuredColumns, cure, func(r *table.Row) {
		rows = append(rows, MeasuredRow{
			ID: int(r.Int("id")), Device: r.Text("device"), Threads: int(r.Int("threads")),
			PredictedMs: r.FloatOrNaN("predicted_ms"), LowMs: r.FloatOrNaN("low_ms"), HighMs: r.FloatOrNaN("high_ms"),
			MeasuredMs: r.FloatOrNaN("measured_ms"), P10Ms: r.FloatOrNaN("p10_ms"), P90Ms: r.FloatOrNaN("p90_ms"),
			Runs: int(r.Int("runs")),
		})
	})
	return rows, err
}

// numberText is the shortest text of v; NaN is empty.
func numberText(v float64) string {
	if v != v {
		return ""
	}
	return string(bytes.Trim(appendFloat(nil, v), `"`))
}

func writeCSV(path string, lines [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(lines); err != nil {
		return fault.Errorf("runstore: %s: %w", path, err)
	}
	return atomicfile.WriteFile(path, b.Bytes())
}

// readTable calls row for each row of a table with the columns. cure says what a
// person can do where the table is damaged.
func readTable(path string, columns []string, cure string, row func(*table.Row)) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Errorf("runstore: %w", err)
	}
	defer f.Close()
	t, err := table.Read(path, f)
	if err == nil {
		err = t.Need(columns...)
	}
	if err != nil {
		return fault.Errorf("runstore: %w: %s", err, cure)
	}
	for _, r := range t.Rows {
		row(r)
		if err := r.Err(); err != nil {
			return fault.Errorf("runstore: %w: %s", err, cure)
		}
	}
	return nil
}
