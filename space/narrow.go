package space

import (
	"fmt"
	"reflect"
	"strings"

	"nas/internal/fault"
)

// Narrow returns s with some choices of a gene only: those with the indices keep, in that order. The gene is named
// as in [Gene], without its block: "width", "stem.channels", "stage[2].kernel", "stage[1].choice". s stays as it
// is. The error says that s has no such gene or no such choice. Of the kinds of blocks that are left, keys that
// none has are taken out. Whether the result is a space, [New] says.
func (s Spec) Narrow(gene string, keep []int) (Spec, error) {
	place, key, ok := strings.Cut(gene, ".")
	if !ok {
		place, key = "", gene
	}
	stage := 0
	var table reflect.Value
	switch _, err := fmt.Sscanf(place, "stage[%d]", &stage); {
	case place == "":
		table = reflect.ValueOf(&s).Elem()
	case place == "stem":
		table = reflect.ValueOf(&s.Stem).Elem()
	case place == "head":
		table = reflect.ValueOf(&s.Head).Elem()
	case err == nil && 1 <= stage && stage <= len(s.Stage):
		s.Stage = append([]StageSpec(nil), s.Stage...)
		table = reflect.ValueOf(&s.Stage[stage-1]).Elem()
	default:
		return s, fault.Errorf("space: there is no gene %q", gene)
	}
	for i := range table.NumField() {
		list := table.Field(i)
		if table.Type().Field(i).Tag.Get("toml") != key || list.Kind() != reflect.Slice || key == "stage" {
			continue
		}
		kept := reflect.MakeSlice(list.Type(), 0, len(keep))
		for _, k := range keep {
			if k < 0 || k >= list.Len() {
				return s, fault.Errorf("space: gene %q has no choice %d, it has %d of them", gene, k, list.Len())
			}
			kept = reflect.Append(kept, list.Index(k))
		}
		list.Set(kept)
		if key == geneTable[gKind].key && stage > 0 {
			s.Stage[stage-1].clearUnused()
		}
		return s, nil
	}
	return s, fault.Errorf("space: there is no gene %q", gene)
}

// clearUnused takes out the genes that no kind of the stage's blocks has.
func (s *StageSpec) clearUnused() {
	for g := range blockGenes {
		used := false
		for _, word := range s.Block {
			if kind, ok := geneTable[gKind].number(word); ok {
				used = used || Kind(kind).has(g)
			}
		}
		if !used {
			s.choices(g).SetZero()
		}
	}
}
