package benchmark

import (
	"math"
	"sort"
	"sync"

	"nas/internal/fault"
)

// FrontierRow is a published network that no published network of as many MACs or fewer
// exceeds, among those trained by plain recipes (base or early).
type FrontierRow struct {
	Name    string
	Top1Pct float64
	MACs    int64
	Network string // a zoo name with options, or an arch string
}

// Frontier returns the published frontier, by MACs. It must not be changed.
var Frontier = sync.OnceValues(func() ([]FrontierRow, error) {
	t, err := embeddedTable("published_frontier.csv")
	if err != nil {
		return nil, err
	}
	var rows []FrontierRow
	for _, row := range t.Rows {
		rows = append(rows, FrontierRow{row.Text("name"), row.Percent("top1_pct"), row.Int("macs"), row.Text("network")})
		if err := row.Err(); err != nil {
			return nil, fault.Errorf("accuracy: %w", err)
		}
	}
	return rows, nil
})

// FrontierAt is the top-1 of the published frontier at a number of MACs, in per cent. The best
// top-1 at no more MACs is a staircase. It is smoothed: at the MACs of a network the value is
// halfway between the network's and that of the one before, in between it is linear in log MACs
// and in t = -log(ceiling - top-1). Beyond the ends it is that of the last network.
func FrontierAt(rows []FrontierRow, macs, ceiling float64) float64 {
	t := func(i int) float64 {
		return -math.Log(ceiling - (rows[i].Top1Pct+rows[max(0, i-1)].Top1Pct)/2)
	}
	i := sort.Search(len(rows), func(i int) bool { return float64(rows[i].MACs) >= macs })
	switch i {
	case 0:
		return rows[0].Top1Pct
	case len(rows):
		return rows[i-1].Top1Pct
	}
	a, b := math.Log(float64(rows[i-1].MACs)), math.Log(float64(rows[i].MACs))
	share := (math.Log(macs) - a) / (b - a)
	return ceiling - math.Exp(-(t(i-1) + share*(t(i)-t(i-1))))
}
