package edits

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/plural"
)

// Edit is one change of a network. [Find] makes it for the network that it was found in; [Edit.Apply] also works on
// that network with other edits applied.
type Edit struct {
	Kind string // of the kinds that [Kinds] lists: "se", "activation" ...
	Name string // kind, what becomes of it, and stage: "se@4", "activation-relu6@all"; the same in every run
	Text string // what it changes and where: "squeeze-and-excite removed in blocks 4.1 to 4.3"
	// Blind says that no estimate of accuracy sees the change; "" where they do.
	Blind string

	kind    *kind
	variant string
	nodes   []string // names of the nodes that it changes
}

// site is a place where a kind of edit can change a network.
type site struct {
	node    int    // whose name finds the place again
	variant string // what becomes of it: "relu6", "3/4"
	noun    string // of what it is, with a space behind it; "": what says it
	what    string // the change, for people, without its place
	change  func(*draft)
}

// kind is a kind of edit.
type kind struct {
	name  string
	blind string
	sites func(g *graph) []site
	// single says that every site is an edit by itself. Sites of other kinds make an edit a stage, and one of all.
	single bool
}

// kinds is the table of edits, those first that cost least accuracy where others win as much.
var kinds = []*kind{
	{name: "width", sites: wholeWidths},
	{name: "se", sites: gates},
	{name: "activation", sites: activations},
	{name: "kernel", sites: kernels},
	{name: "dilation", sites: dilations, blind: "dilation"},
	{name: "expansion", sites: expansions},
	{name: "head", sites: headWidths},
	{name: "separable", sites: denseConvolutions},
	{name: "stride", sites: strides, single: true},
	{name: "block", sites: removableBlocks, single: true},
}

// Kinds names the kinds of edits.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Find lists the edits of a network: of each kind those of one stage, then that of all stages. Each gives a network
// that [blocks.Network.Infer] accepts, with outputs of the same shapes.
func Find(n *blocks.Network) []Edit {
	var found []Edit
	g := newGraph(n)
	for _, k := range kinds {
		byVariant := map[string][]site{}
		var variants []string
		for _, s := range k.sites(g) {
			if byVariant[s.variant] == nil {
				variants = append(variants, s.variant)
			}
			byVariant[s.variant] = append(byVariant[s.variant], s)
		}
		for _, v := range variants {
			groups := k.scopes(n, byVariant[v])
			for _, sites := range groups {
				e := newEdit(n, k, v, sites)
				e.Name = k.name
				if v != "" {
					e.Name += "-" + v
				}
				e.Name += "@" + scopeName(n, sites)
				if _, err := e.Apply(n); err == nil {
					found = append(found, e)
				}
			}
		}
	}
	return found
}

// scopes groups sites into edits.
func (k *kind) scopes(n *blocks.Network, sites []site) (groups [][]site) {
	if k.single {
		for _, s := range sites {
			groups = append(groups, []site{s})
		}
		return groups
	}
	byStage := map[int][]site{}
	for _, s := range sites {
		stage := n.Nodes[s.node].Stage
		byStage[stage] = append(byStage[stage], s)
	}
	for _, stage := range slices.Sorted(maps.Keys(byStage)) {
		groups = append(groups, byStage[stage])
	}
	if len(groups) > 1 {
		groups = append(groups, sites)
	}
	return groups
}

// scopeName is the stage of sites: its number, "stem" or "head"; "all" for several.
func scopeName(n *blocks.Network, sites []site) string {
	stage, last := n.Nodes[sites[0].node].Stage, lastStage(n)
	for _, s := range sites {
		if n.Nodes[s.node].Stage != stage {
			return "all"
		}
	}
	switch {
	case stage == 0 && last > 0:
		return "stem"
	case stage == last && last > 0:
		return "head"
	}
	return strconv.Itoa(stage)
}

func newEdit(n *blocks.Network, k *kind, variant string, sites []site) Edit {
	e := Edit{Kind: k.name, Blind: k.blind, kind: k, variant: variant}
	var whats []string
	var places []int
	for _, s := range sites {
		e.nodes = append(e.nodes, n.Nodes[s.node].Name)
		if !slices.Contains(whats, s.what) {
			whats = append(whats, s.what)
		}
		places = append(places, s.node)
	}
	if len(whats) > 3 {
		whats = append(whats[:2], fmt.Sprintf("%d more", len(whats)-2))
	}
	e.Text = sites[0].noun + strings.Join(whats, ", ") + " in " + placesOf(n, places)
	return e
}

// Contains reports whether e changes all that o changes, in the same way.
func (e *Edit) Contains(o *Edit) bool {
	return e.kind == o.kind && e.variant == o.variant &&
		!slices.ContainsFunc(o.nodes, func(name string) bool { return !slices.Contains(e.nodes, name) })
}

// Apply returns the network with the edit made; n does not change. It fails where nothing is left to change, as
// after another edit of the same places, and where the network would not be one.
func (e *Edit) Apply(n *blocks.Network) (*blocks.Network, error) {
	d := newDraft(n)
	made := 0
	for _, s := range e.kind.sites(newGraph(n)) {
		if s.variant == e.variant && slices.Contains(e.nodes, n.Nodes[s.node].Name) {
			s.change(d)
			made++
		}
	}
	if made == 0 {
		return nil, fault.Errorf("edits: %s: nothing is left to change after the edits before it", e.Text)
	}
	out, err := d.network()
	if err != nil {
		return nil, fault.Errorf("edits: %s: %w", e.Text, err)
	}
	for k, i := range n.Returned() {
		if a, b := n.Nodes[i].Shape, out.Nodes[out.Returned()[k]].Shape; a != b {
			return nil, fault.Errorf("edits: %s: the output would be %v, not %v", e.Text, b, a)
		}
	}
	return out, nil
}

// placesOf names the blocks of nodes: "block 2.1", "blocks 4.1 to 4.3 and 5.2", "the stem".
func placesOf(n *blocks.Network, nodes []int) string {
	last := lastStage(n)
	var names, blocksOf []string
	slices.Sort(nodes)
	for _, i := range nodes {
		nd := &n.Nodes[i]
		name := ""
		switch {
		case nd.Block > 0 && nd.Stage > 0:
			name = strconv.Itoa(nd.Stage) + "." + strconv.Itoa(nd.Block)
			if !slices.Contains(blocksOf, name) {
				blocksOf = append(blocksOf, name)
			}
			continue
		case last == 0:
			name = nd.Name
		case nd.Stage == 0:
			name = "the stem"
		case nd.Stage == last:
			name = "the head"
		default:
			name = "stage " + strconv.Itoa(nd.Stage)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch k := len(blocksOf); {
	case k == 1:
		names = slices.Insert(names, 0, "block "+blocksOf[0])
	case k > 1 && k <= 3:
		names = slices.Insert(names, 0, "blocks "+strings.Join(blocksOf[:k-1], ", ")+" and "+blocksOf[k-1])
	case k > 3:
		names = slices.Insert(names, 0, fmt.Sprintf("blocks %s to %s (%s)", blocksOf[0], blocksOf[k-1],
			plural.Of(k, "block")))
	}
	return strings.Join(names, ", ")
}

// lastStage is the stage of the head, 0 where no node is marked.
func lastStage(n *blocks.Network) int {
	last := 0
	for i := range n.Nodes {
		last = max(last, n.Nodes[i].Stage)
	}
	return last
}
