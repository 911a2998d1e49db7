package accuracy

import "strings"

func init() { benchmarks["grids"] = gridsBenchmark }

// gridsBenchmark holds the grids of width multiplier and resolution that the
// authors of MobileNetV1 and V2 published, one figure a network: what a score
// must put in order at least.
func gridsBenchmark() (*Benchmark, error) {
	names, err := embeddedTable("published_networks.csv")
	if err != nil {
		return nil, err
	}
	rows, err := publishedRows()
	if err != nil {
		return nil, err
	}
	merged := make(map[string]BenchmarkRow, len(rows))
	for _, r := range rows {
		merged[r.ID] = r
	}
	t, err := embeddedTable("imagenet_published.csv")
	if err != nil {
		return nil, err
	}
	top1 := make(map[string]float64)
	for i := range t.rows {
		if strings.Contains(t.text(i, "source"), "research/slim/") {
			if top1[t.text(i, "model")], err = t.float(i, "top1"); err != nil {
				return nil, err
			}
		}
	}
	b := &Benchmark{Name: "grids", Source: "published ImageNet results of MobileNetV1 and V2 at all widths and resolutions, by their authors' recipes"}
	for i := range names.rows {
		truth, ok := top1[names.text(i, "model")]
		family := names.text(i, "family")
		if !ok || family != "v1" && family != "v2" {
			continue
		}
		r := merged[names.text(i, "network")+" "+names.text(i, "recipe")]
		r.ID, r.Truth = r.Network.Name, truth
		b.Rows = append(b.Rows, r)
	}
	return b, nil
}
