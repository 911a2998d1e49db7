package benchmark

import (
	"slices"
	"strings"

	"nas/internal/fault"
	"nas/space"
)

// familyRows reads the table of searched and scaled families, whose networks are arch
// strings. Figures of one network and one recipe class are merged into their mean.
func familyRows() ([]Row, error) {
	t, err := embeddedTable("imagenet_families.csv")
	if err != nil {
		return nil, err
	}
	type key struct{ arch, recipe string }
	at := make(map[key]int)
	var rows []Row
	var figures []float64 // of each row
	for _, row := range t.Rows {
		k := key{row.Text("arch"), row.Text("recipe")}
		top1 := row.Percent("top1_pct")
		i, known := at[k]
		if !known {
			i = len(rows)
			at[k] = i
			r := Row{ID: row.Text("model") + " " + k.recipe, Group: row.Text("family"), Recipe: k.recipe}
			if !slices.Contains(Recipes, k.recipe) {
				row.Fail("recipe", "want one of %s", strings.Join(Recipes, ", "))
			}
			a, err := space.Parse(k.arch)
			if err == nil {
				r.Network, err = a.Network()
			}
			if err != nil {
				row.Fail("arch", "%w", err)
			} else {
				c := r.Network.Counts()
				r.MACs, r.Params = c.MACs, c.Params
			}
			rows, figures = append(rows, r), append(figures, 0)
		}
		if err := row.Err(); err != nil {
			return nil, fault.Errorf("accuracy: %w", err)
		}
		figures[i]++
		rows[i].Truth += (top1 - rows[i].Truth) / figures[i]
	}
	return rows, nil
}
