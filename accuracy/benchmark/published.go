package benchmark

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"

	"nas/blocks/zoo"
	"nas/internal/fault"
	"nas/internal/table"
)

func init() { benchmarks["published"] = publishedBenchmark }

// publishedRows reads the table of published results. It merges a network's figures of
// one recipe class into their mean: the same network is published up to four times,
// and would otherwise count four times.
func publishedRows() ([]Row, error) {
	names, err := embeddedTable("published_networks.csv")
	if err != nil {
		return nil, err
	}
	type key struct{ model, resolution string }
	where := make(map[key]*table.Row)
	for _, row := range names.Rows {
		where[key{row.Text("model"), row.Text("resolution")}] = row
	}
	t, err := embeddedTable("imagenet_published.csv")
	if err != nil {
		return nil, err
	}
	merged := make(map[string]*Row)
	figures := make(map[string]int) // that Truth is the mean of, by ID
	for _, row := range t.Rows {
		name := where[key{row.Text("model"), row.Text("resolution")}]
		if name == nil || row.Text("top1") == "" {
			continue
		}
		top1 := row.Float("top1")
		if err := row.Err(); err != nil {
			return nil, fault.Errorf("accuracy: %w", err)
		}
		spec, recipe := name.Text("network"), name.Text("recipe")
		id := spec + " " + recipe
		r := merged[id]
		if r == nil {
			if !slices.Contains(Recipes, recipe) {
				name.Fail("recipe", "want one of %s", strings.Join(Recipes, ", "))
			}
			n, err := zoo.Get(spec)
			if err != nil {
				name.Fail("network", "%w", err)
			}
			if err := name.Err(); err != nil {
				return nil, fault.Errorf("accuracy: %w", err)
			}
			c := n.Counts()
			r = &Row{ID: id, Group: name.Text("family"), Recipe: recipe, MACs: c.MACs, Params: c.Params, Network: n}
			merged[id] = r
		}
		figures[id]++
		r.Truth += (top1 - r.Truth) / float64(figures[id])
	}
	rows := make([]Row, 0, len(merged))
	for _, id := range slices.Sorted(maps.Keys(merged)) {
		rows = append(rows, *merged[id])
	}
	return rows, nil
}

// publishedBenchmark holds the networks of twelve families as their authors and others
// trained them, by full recipes. Recipes differ: the standard deviation of the
// difference of two figures of one network is 0.8 points.
func publishedBenchmark() (*Benchmark, error) {
	rows, err := publishedRows()
	if err != nil {
		return nil, err
	}
	more, err := familyRows()
	if err != nil {
		return nil, err
	}
	return &Benchmark{
		Name: "published",
		Source: "published ImageNet results of MobileNet V1 to V3, MnasNet, EfficientNet, and seven families more, " +
			"full recipes",
		Rows: append(rows, more...),
	}, nil
}

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
