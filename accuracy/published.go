package accuracy

import (
	"fmt"
	"sort"

	"nas/blocks/zoo"
)

func init() { benchmarks["published"] = publishedBenchmark }

// recipe is a class of training recipes, told by the name under which a result
// was published, before any accuracy was looked at.
type recipe int

const (
	// baseRecipe: a paper's or a library's first recipe; random crops and flips.
	baseRecipe recipe = iota
	// augmentedRecipe: AutoAugment, RandAugment, mixup and the like.
	augmentedRecipe
	// strongRecipe: long training on top of it, or adversarial examples.
	strongRecipe
	// earlyRecipe: the first recipes of MobileNetV1 and V2, of 2017 and 2018.
	// This class was added after models without it had erred to one side on both
	// families; what the same networks gained by later recipes (1.2 to 1.5 points
	// for V2, 0.3 to 0.7 for MnasNet and V3) agrees with it. Errors and intervals
	// are therefore computed without it: see classesFixedBefore.
	earlyRecipe
)

var recipeNames = []string{baseRecipe: "base", augmentedRecipe: "augmented", strongRecipe: "strong", earlyRecipe: "early"}

// published is one network at one resolution, trained by one class of recipes.
type published struct {
	BenchmarkRow
	recipe  recipe
	sources int // figures that Truth is the mean of
}

// publishedRows reads the table of published results. A network's figures of
// one recipe class are merged to their mean: the same network is published up to
// four times, and would otherwise count four times.
func publishedRows() ([]published, error) {
	names, err := embeddedTable("published_networks.csv")
	if err != nil {
		return nil, err
	}
	type key struct{ model, resolution string }
	where := make(map[key]int)
	for i := range names.rows {
		where[key{names.text(i, "model"), names.text(i, "resolution")}] = i
	}
	t, err := embeddedTable("imagenet_published.csv")
	if err != nil {
		return nil, err
	}
	merged := make(map[string]*published)
	for i := range t.rows {
		j, ok := where[key{t.text(i, "model"), t.text(i, "resolution")}]
		if !ok || t.text(i, "top1") == "" {
			continue
		}
		top1, err := t.float(i, "top1")
		if err != nil {
			return nil, err
		}
		spec, class := names.text(j, "network"), names.text(j, "recipe")
		p := merged[spec+" "+class]
		if p == nil {
			p = &published{recipe: -1}
			for r, name := range recipeNames {
				if name == class {
					p.recipe = recipe(r)
				}
			}
			if p.recipe < 0 {
				return nil, fmt.Errorf("accuracy: published_networks.csv: line %d: unknown recipe %q", j+2, class)
			}
			if p.Network, err = zoo.Get(spec); err != nil {
				return nil, fmt.Errorf("accuracy: published_networks.csv: line %d: %w", j+2, err)
			}
			c := p.Network.Counts()
			p.ID, p.Group, p.Recipe, p.MACs, p.Params = spec+" "+class, names.text(j, "family"), class, c.MACs, c.Params
			merged[p.ID] = p
		}
		p.sources++
		p.Truth += (top1 - p.Truth) / float64(p.sources)
	}
	rows := make([]published, 0, len(merged))
	for _, p := range merged {
		rows = append(rows, *p)
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].ID < rows[j].ID })
	return rows, nil
}

// publishedBenchmark holds the networks of five families as their authors and
// others trained them, full recipes. Recipes differ: two figures of one network
// differ by 0.8 points in standard deviation.
func publishedBenchmark() (*Benchmark, error) {
	rows, err := publishedRows()
	if err != nil {
		return nil, err
	}
	b := &Benchmark{Name: "published", Source: "published ImageNet results of MobileNet V1 to V3, MnasNet and EfficientNet, full recipes"}
	for _, p := range rows {
		b.Rows = append(b.Rows, p.BenchmarkRow)
	}
	b.heldOut = func(p *ProxyReport) (map[string]float64, error) {
		out, err := publishedLeftOut()
		if err != nil {
			return nil, err
		}
		p.Note = "estimates of models fitted without the network's family, recipe class given"
		mae, _ := familyMAE(out)
		coverage := coveragePct(out)
		p.MAE, p.Coverage = &mae, &coverage
		held := make(map[string]float64, len(out))
		for _, r := range out {
			held[r.id] = r.estimate
		}
		return held, nil
	}
	return b, nil
}

// publishedLeftOut are the estimates of the published networks by models that
// had not seen their families.
func publishedLeftOut() ([]leftOut, error) {
	m, err := loadImageNet()
	if err != nil {
		return nil, err
	}
	rows, err := publishedTrained()
	if err != nil {
		return nil, err
	}
	return leaveFamiliesOut(m, classesFixedBefore(rows))
}
