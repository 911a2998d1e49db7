package rungs

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/stat"
	"nas/space"
)

// recordedEpochs are the rungs of the table.
var recordedEpochs = []int{1, 3, 9}

// recordedRow is what was measured of a network: its accuracy, and the CPU seconds from its start, after each rung.
type recordedRow struct {
	accuracy, seconds []float64
	params, macs      float64
	machine           string
}

// recordedTable is a search space of which networks were trained, by arch id.
type recordedTable struct {
	space *space.Space
	rows  map[string]recordedRow
}

// loadRecorded reads the table.
func loadRecorded(t *testing.T) *recordedTable {
	t.Helper()
	dir := filepath.Join("..", "..", "results", "reference", "rungs")
	c, err := config.Load(filepath.Join(dir, "space.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "rungs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	table := &recordedTable{space: s, rows: map[string]recordedRow{}}
	for _, line := range lines[1:] {
		get := func(name string) float64 {
			v, err := strconv.ParseFloat(line[slices.Index(lines[0], name)], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		row := recordedRow{params: get("params"), macs: get("macs"), machine: line[slices.Index(lines[0], "machine")]}
		for _, epochs := range recordedEpochs {
			row.accuracy = append(row.accuracy, get("accuracy_"+strconv.Itoa(epochs)))
			row.seconds = append(row.seconds, get("cpu_s_"+strconv.Itoa(epochs)))
		}
		id := line[slices.Index(lines[0], "arch_id")]
		if _, twice := table.rows[id]; twice {
			t.Fatalf("%s occurs twice", id)
		}
		table.rows[id] = row
	}
	return table
}

// The recorded rungs are of networks of their space, with the right counts, and the accuracy after few epochs ranks the
// networks as the last one does.
func TestRecordedRungs(t *testing.T) {
	table := loadRecorded(t)
	members := map[string]space.Arch{}
	for g := range table.space.All() {
		a := table.space.Arch(g)
		members[a.ID()] = a
	}
	accuracy := make([][]float64, len(recordedEpochs))
	twins, pairs, apart := map[string]float64{}, 0.0, 0.0 // by the arch with any activation
	for id, row := range table.rows {
		a, ok := members[id]
		if !ok {
			t.Fatalf("%s is not in the space", id)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		if counts := n.Counts(); float64(counts.Params) != row.params || float64(counts.MACs) != row.macs {
			t.Errorf("%s: %d parameters and %d MACs", id, counts.Params, counts.MACs)
		}
		for i := range recordedEpochs {
			accuracy[i] = append(accuracy[i], row.accuracy[i])
		}
		twin, last := strings.ReplaceAll(a.String(), "hswish", "relu"), row.accuracy[len(recordedEpochs)-1]
		if v, ok := twins[twin]; ok {
			pairs++
			apart += (last - v) * (last - v) / 2
		}
		twins[twin] = last
		if !slices.IsSorted(row.seconds) || row.seconds[0] <= 0 {
			t.Errorf("%s: %v s after %v epochs", id, row.seconds, recordedEpochs)
		}
	}
	first, second := stat.KendallTau(accuracy[0], accuracy[2]), stat.KendallTau(accuracy[1], accuracy[2])
	t.Logf("%d networks of %d; Kendall's tau with 9 epochs: 1 epoch %.2f, 3 epochs %.2f", len(table.rows), len(members),
		first, second)
	t.Logf("%g pairs that differ in the activation alone: standard deviation %.2f of each", pairs, math.Sqrt(apart/pairs))
	if first < 0.4 || second < 0.6 {
		t.Errorf("the first rungs rank networks as the last by %.2f and %.2f, want 0.4 and 0.6", first, second)
	}
}
