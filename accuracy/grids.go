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
		merged[r.ID] = r.BenchmarkRow
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
	of := make(map[string]string) // row: its ID in the published benchmark
	for i := range names.rows {
		truth, ok := top1[names.text(i, "model")]
		family := names.text(i, "family")
		if !ok || family != "v1" && family != "v2" {
			continue
		}
		r := merged[names.text(i, "network")+" "+names.text(i, "recipe")]
		of[r.Network.Name] = r.ID
		r.ID, r.Truth = r.Network.Name, truth
		b.Rows = append(b.Rows, r)
	}
	b.heldOut = func(p *ProxyReport) (map[string]float64, error) {
		out, err := publishedLeftOut()
		if err != nil {
			return nil, err
		}
		p.Note = "estimates of models fitted without the network's family"
		byID := make(map[string]float64, len(out))
		for _, r := range out {
			byID[r.id] = r.estimate
		}
		held := make(map[string]float64, len(b.Rows))
		for id, published := range of {
			held[id] = byID[published]
		}
		return held, nil
	}
	return b, nil
}
