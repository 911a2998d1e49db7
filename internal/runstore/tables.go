package runstore

import (
	"bytes"
	"encoding/csv"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/table"
	"nas/search"
)

var frontColumns = []string{
	"id", "arch_id", "arch", "latency_ms", "latency_low_ms", "latency_high_ms", "accuracy", "accuracy_low", "accuracy_high",
	"params", "macs", "peak_activation_bytes", "latency_device", "p_front",
	"accuracy_expected", "accuracy_warnings",
}

// WriteFront writes the table of a front into dir, atomically: as [FrontFile] or [RerankedFile]. The latency is
// that of a device, which the field holds. onFront are the probabilities of being on the true front, by trial id.
// expected is the accuracy to expect after selection. others are the latencies on further devices, three columns each
// at the end. Fields without a value are empty.
func WriteFront(
	dir, name string, front []search.Trial, latency Field, device string, onFront map[int]float64,
	expected func(*search.Result) float64, others []Field,
) error {
	head := slices.Clone(frontColumns)
	for _, f := range others {
		head = append(head, f.mid, f.low, f.high)
	}
	lines := [][]string{head}
	for i := range front {
		t := &front[i]
		count := func(key string) string { return strconv.FormatInt(int64(Number(&t.Result, key)), 10) }
		ms, accuracy := latency.Of(&t.Result), FieldOf(KeyAccuracy).Of(&t.Result)
		line := []string{
			strconv.Itoa(t.ID), t.ArchID, t.Arch, numberText(ms.Mid), numberText(ms.Low), numberText(ms.High),
			numberText(accuracy.Mid), numberText(accuracy.Low), numberText(accuracy.High),
			count(KeyParams), count(KeyMACs), count(KeyActivations), device, numberText(onFront[t.ID]),
			numberText(expected(&t.Result)), strings.Join(AccuracyWarning.Warnings(t.Warnings), "; "),
		}
		for _, f := range others {
			v := f.Of(&t.Result)
			line = append(line, numberText(v.Mid), numberText(v.Low), numberText(v.High))
		}
		lines = append(lines, line)
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
	MeasuredMs, P10Ms, P90Ms   float64 // percentiles of 0 are not known
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
			numberText(r.MeasuredMs), knownText(r.P10Ms), knownText(r.P90Ms), strconv.Itoa(r.Runs),
		})
	}
	return writeCSV(filepath.Join(dir, MeasuredFile), lines)
}

// ReadMeasured reads measured.csv of dir. A missing file gives
// [os.ErrNotExist].
func ReadMeasured(dir string) (rows []MeasuredRow, err error) {
	const cure = "restore the file, or delete it and the run is drawn without measurements"
	err = readTable(filepath.Join(dir, MeasuredFile), measuredColumns, cure, func(r *table.Row) {
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

// knownText is empty for 0, which stands for what is not known.
func knownText(v float64) string {
	if v == 0 {
		return ""
	}
	return numberText(v)
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
	f, err := boundedfile.Open(path)
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
