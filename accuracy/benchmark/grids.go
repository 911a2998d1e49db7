package benchmark

import (
	"strings"

	"nas/internal/fault"
)

func init() { benchmarks["grids"] = gridsBenchmark }

// gridsBenchmark holds the grids of width multiplier and resolution that the authors
// of MobileNetV1 and V2 published, one figure a network. It is the least that a score
// must rank well.
func gridsBenchmark() (*Benchmark, error) {
	names, err := embeddedTable("published_networks.csv")
	if err != nil {
		return nil, err
	}
	rows, err := publishedRows()
	if err != nil {
		return nil, err
	}
	merged := make(map[string]Row, len(rows))
	for _, r := range rows {
		merged[r.ID] = r
	}
	t, err := embeddedTable("imagenet_published.csv")
	if err != nil {
		return nil, err
	}
	top1 := make(map[string]float64)
	for _, row := range t.Rows {
		if strings.Contains(row.Text("source"), "research/slim/") {
			top1[row.Text("model")] = row.Float("top1")
		}
		if err := row.Err(); err != nil {
			return nil, fault.Errorf("accuracy: %w", err)
		}
	}
	b := &Benchmark{Name: "grids",
		Source: "published ImageNet results of MobileNetV1 and V2 at all widths and resolutions, by their authors' recipes"}
	for _, name := range names.Rows {
		truth, ok := top1[name.Text("model")]
		family := name.Text("family")
		if !ok || family != "v1" && family != "v2" {
			continue
		}
		r := merged[name.Text("network")+" "+name.Text("recipe")]
		r.ID, r.Truth = r.Network.Name, truth
		b.Rows = append(b.Rows, r)
	}
	return b, nil
}
