package importance

import (
	"strings"

	"nas/space"
)

// A row is the genes that one line of a config decides, or a single gene.
type row struct {
	name  string
	genes []int
}

// rowsOf groups genes by the key of the config that decides them, such as stage[2].kernel for the kernel sizes of
// all blocks of stage 2; or not at all if each is set.
func rowsOf(genes []space.Gene, each bool) (rows []row) {
	at := map[string]int{}
	for i, g := range genes {
		name := g.Name
		if head, _, ok := strings.Cut(name, ".block["); ok && !each {
			name = head + "." + g.Key
		}
		k, ok := at[name]
		if !ok {
			k = len(rows)
			at[name] = k
			rows = append(rows, row{name: name})
		}
		rows[k].genes = append(rows[k].genes, i)
	}
	return rows
}
