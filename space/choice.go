package space

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"nas/blocks"
)

// bottleneckWord is the kind in a config.
var bottleneckWord = Bottleneck.String()

// fields returns, for each gene of a block, the number of the field of struct type T
// that holds its choices: the one with the gene's key as its toml tag.
func fields[T any]() (numbers [blockGenes]int) {
	t := reflect.TypeFor[T]()
	for g := range geneTable {
		key := geneTable[g].key
		is := func(f reflect.StructField) bool { return f.Tag.Get("toml") == key }
		if numbers[g] = slices.IndexFunc(reflect.VisibleFields(t), is); numbers[g] < 0 {
			panic("space: " + t.Name() + " has no field for gene " + key)
		}
	}
	return numbers
}

var stageFields, choiceFields = fields[StageSpec](), fields[ChoiceSpec]()

// choices returns the choices of gene g, settable.
func (o *ChoiceSpec) choices(g blockGene) reflect.Value {
	return reflect.ValueOf(o).Elem().Field(choiceFields[g])
}

func (s *StageSpec) choices(g blockGene) reflect.Value {
	return reflect.ValueOf(s).Elem().Field(stageFields[g])
}

// blockSpec returns the genes of a stage's blocks as a ChoiceSpec.
func (s *StageSpec) blockSpec() (o ChoiceSpec) {
	for g := range blockGenes {
		o.choices(g).Set(s.choices(g))
	}
	return o
}

func (s *StageSpec) setBlock(o *ChoiceSpec) {
	for g := range blockGenes {
		s.choices(g).Set(o.choices(g))
	}
}

// complete checks the genes of a block and fills in the defaults.
func (o *ChoiceSpec) complete(c *checker, key string) {
	for g := range blockGenes {
		row, list := &geneTable[g], o.choices(g)
		if !row.byKind || !list.IsNil() {
			c.choices(key+"."+row.key, list.Addr().Interface(), row.domain)
		}
	}
}

// lengths returns the number of choices of each gene, 0 if it is not set.
func (o *ChoiceSpec) lengths() (n [blockGenes]int) {
	for g := range blockGenes {
		n[g] = o.choices(g).Len()
	}
	return n
}

// wantSingle reports genes with several choices.
func (o *ChoiceSpec) wantSingle(c *checker, key, want string) {
	for g, n := range o.lengths() {
		if n > 1 {
			c.add(key+"."+geneTable[g].key, fmt.Sprintf("a list of %d", n), "one value"+want)
		}
	}
}

// inherit takes from another block what o does not say.
func (o *ChoiceSpec) inherit(from *ChoiceSpec) {
	for g := range blockGenes {
		if list := o.choices(g); list.IsNil() {
			list.Set(from.choices(g))
		}
	}
}

// useless reports genes that the config sets and no kind of block has: a mistake that would
// otherwise go unseen. lengths are those of the genes as the config sets them.
func (o *ChoiceSpec) useless(c *checker, key string, lengths [blockGenes]int) {
	for g := gKind + 1; g < blockGenes; g++ {
		if lengths[g] == 0 || o.reads(g) {
			continue
		}
		var users []string
		for k, row := range kindTable {
			if Kind(k).has(g) {
				users = append(users, row.name)
			}
		}
		c.addOf(key+"."+geneTable[g].key, key+".block", listText(o.choices(g).Interface()),
			fmt.Sprintf("no such key: block %s does not use it (%s does)", strings.Join(o.Block, ", "), oneOf(users)))
	}
	other := slices.IndexFunc(o.Block, func(b string) bool { return b != "uib" && b != "skip" })
	if i := slices.Index(o.Kernel, 0); i >= 0 && other >= 0 {
		c.addOf(key+".kernel", key+".block", "0",
			"1 or more: only a uib block can do without the convolution, not "+o.Block[other])
	}
	if slices.Contains(o.Block, "grouped") && lengths[gGroups] == 0 && slices.Equal(o.Groups, Ints{1}) {
		c.addOf(key+".groups", key+".block", "", "the number of groups of the grouped block")
	}
	if !slices.Contains(o.Block, bottleneckWord) {
		return
	}
	if lengths[gExpansion] == 0 && slices.Equal(o.Expansion, Floats{6}) {
		c.add(key+".expansion", "", "the ratio of inner to output channels of the bottleneck block, such as 0.25")
	}
	if slices.Contains(o.Activation, blocks.Identity.String()) {
		c.add(key+".activation", quoted(blocks.Identity.String()), "a function: a bottleneck block is not linear")
	}
}

// reads reports whether some kind of block that o allows has gene g.
func (o *ChoiceSpec) reads(g blockGene) bool {
	return slices.ContainsFunc(o.Block, func(b string) bool { return Kind(slices.Index(kindWords, b)).has(g) })
}

// trim removes the genes that no kind of block has, because New would refuse them in a
// completed spec.
func (o *ChoiceSpec) trim() {
	for g := gKind + 1; g < blockGenes; g++ {
		if !o.reads(g) {
			o.choices(g).SetZero()
		}
	}
}

// variants bounds the number of different blocks.
func (o *ChoiceSpec) variants() int {
	n := 1.0
	for _, l := range o.lengths() {
		n *= float64(max(1, l))
	}
	return int(math.Min(n, math.MaxInt32))
}

// values converts a checked spec. A gene that is not set has one value, -1 if the kind
// decides and else 0, which nothing reads.
func (o *ChoiceSpec) values() (v values) {
	for g := range blockGenes {
		if v[g] = geneTable[g].numbers(o.choices(g)); v[g] == nil {
			v[g] = []float64{0}
			if geneTable[g].byKind {
				v[g][0] = -1
			}
		}
	}
	return v
}

// setValues is the inverse of values for one gene of a stage.
func (s *StageSpec) setValues(g blockGene, vs []float64) {
	list := s.choices(g)
	list.SetZero()
	for _, v := range vs {
		list.Set(reflect.Append(list, geneTable[g].choice(v, list.Type().Elem())))
	}
}

// name is a short text for an entry of a choice.
func (o *ChoiceSpec) name() string {
	v := o.values()
	t := v.template(&pick{})
	name := t.kind().String()
	for g := range blockGenes {
		row := &geneTable[g]
		switch {
		case !t.kind().has(g):
		case g == gAttention:
			name += attentionLabel(&t)
		case g == gKernel:
			name += row.label + KernelSize(t[g]).String()
		case row.label != "" && t[g] > row.labelAbove:
			name += row.label + text(t[g])
		}
	}
	return name
}

// attentionLabel is the label of the gate in the name of an entry of a choice.
func attentionLabel(t *template) string {
	k, ratio := AttentionKind(t[gAttention]), t[gSE]
	switch {
	case k == NoAttention || k == SE && ratio == 0:
		return ""
	case k == ECA:
		return "_" + k.String()
	}
	return "_" + k.String() + text(ratio)
}
