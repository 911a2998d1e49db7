package edits

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// subjects are networks that have all kinds of edits between them.
var subjects = []string{
	"mobilenet_v1@width=0.5", "mobilenet_v4_conv_small", "xception", "mobilenet_v2", "mobilenet_v3_large",
	"mobilenet_v3_small", "efficientnet_b0", "resnet50",
	"shufflenet_v2", "deeplabv3_mobilenet_v2", "squeezenet_1_1",
}

func network(t *testing.T, name string) *blocks.Network {
	t.Helper()
	n, err := zoo.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEveryEdit wants of every edit what Find promises: a network that is one, with outputs of the same shapes, that is
// another one, of no more multiply-adds but for wider channels, under a name of its own, and with a text that names the
// places that changed. The network itself stays as it was.
func TestEveryEdit(t *testing.T) {
	kindsSeen := map[string]bool{}
	for _, name := range subjects {
		n := network(t, name)
		before, macs := fmt.Sprint(layers(n)), n.Counts().MACs
		names := map[string]bool{}
		for _, e := range Find(n) {
			kindsSeen[e.Kind] = true
			if names[e.Name] || !strings.HasPrefix(e.Name, e.Kind) || !strings.Contains(e.Name, "@") {
				t.Errorf("%s: %q is no name of its own of a kind %q", name, e.Name, e.Kind)
			}
			names[e.Name] = true
			m, err := e.Apply(n)
			if err != nil {
				t.Errorf("%s: %s: %v", name, e.Name, err)
				continue
			}
			if err := m.Infer(); err != nil || m.Output() != n.Output() || m.Input() != n.Input() {
				t.Errorf("%s: %s gives %v>%v (%v), want %v>%v", name, e.Name, m.Input(), m.Output(), err, n.Input(), n.Output())
			}
			if after := m.Counts().MACs; after > macs && !strings.Contains(e.Name, "up") {
				t.Errorf("%s: %s: %d multiply-adds of %d", name, e.Name, after, macs)
			}
			if fmt.Sprint(layers(m)) == before {
				t.Errorf("%s: %s changes nothing", name, e.Name)
			}
			for _, s := range e.nodes {
				if nd := nodeOf(n, s); nd.Stage > 0 && nd.Block > 0 && !namesBlock(e.Text, nd) {
					t.Errorf("%s: %s changes block %d.%d, its text does not say it: %s", name, e.Name, nd.Stage, nd.Block, e.Text)
				}
			}
		}
		if fmt.Sprint(layers(n)) != before {
			t.Errorf("%s was changed by its edits", name)
		}
	}
	for _, k := range Kinds() {
		if !kindsSeen[k] {
			t.Errorf("no network of %v has an edit of the kind %s", subjects, k)
		}
	}
}

// layers spell out a network.
func layers(n *blocks.Network) (all []string) {
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		all = append(all, fmt.Sprintf("%s %v %v %v", nd.Name, reflect.Indirect(reflect.ValueOf(nd.Op)), nd.Shape, nd.Inputs))
	}
	return all
}

func nodeOf(n *blocks.Network, name string) *blocks.Node {
	return &n.Nodes[slices.IndexFunc(n.Nodes, func(nd blocks.Node) bool { return nd.Name == name })]
}

// namesBlock tells whether a text names the block of a node, by itself or in a range.
func namesBlock(text string, nd *blocks.Node) bool {
	if strings.Contains(text, fmt.Sprintf("%d.%d", nd.Stage, nd.Block)) {
		return true
	}
	at := strings.Index(text, "blocks ")
	var a, b, c, d int
	if at < 0 {
		return false
	}
	if k, _ := fmt.Sscanf(text[at:], "blocks %d.%d to %d.%d", &a, &b, &c, &d); k != 4 {
		return false
	}
	place := func(stage, block int) int { return 1000*stage + block }
	x := place(nd.Stage, nd.Block)
	return x >= place(a, b) && x <= place(c, d)
}

// find returns the edit of a name.
func find(t *testing.T, n *blocks.Network, name string) Edit {
	t.Helper()
	for _, e := range Find(n) {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("%s has no edit %s", n.Name, name)
	return Edit{}
}

func apply(t *testing.T, n *blocks.Network, name string) *blocks.Network {
	t.Helper()
	e := find(t, n, name)
	m, err := e.Apply(n)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// count counts the nodes whose op holds.
func count(n *blocks.Network, holds func(blocks.Op) bool) (k int) {
	for i := range n.Nodes {
		if holds(n.Nodes[i].Op) {
			k++
		}
	}
	return k
}

// TestKnownEdits compares edits with what the papers' tables say is there to edit.
func TestKnownEdits(t *testing.T) {
	v3, resnet := network(t, "mobilenet_v3_large"), network(t, "resnet50")
	isMul := func(op blocks.Op) bool { _, ok := op.(*blocks.Mul); return ok }
	kernel := func(k, groups int) func(op blocks.Op) bool {
		return func(op blocks.Op) bool {
			c, ok := op.(*blocks.Conv)
			return ok && c.Kernel[0] == k && (c.G() > 1) == (groups > 1)
		}
	}
	act := func(f blocks.ActFunc) func(op blocks.Op) bool {
		return func(op blocks.Op) bool { a, ok := op.(*blocks.Activation); return ok && a.Func == f }
	}
	for _, c := range []struct {
		n             *blocks.Network
		edit          string
		holds         func(blocks.Op) bool
		before, after int
	}{
		{v3, "se@all", isMul, 8, 0},                             // Howard et al., ICCV 2019, table 1
		{v3, "kernel-3@all", kernel(5, 2), 6, 0},                //
		{v3, "activation-relu6@all", act(blocks.HSwish), 21, 1}, // that of the head's vector stays
		{resnet, "separable@all", kernel(3, 1), 16, 0},          // He et al., CVPR 2016, table 1
		{resnet, "separable@all", kernel(3, 2), 0, 16},          //
	} {
		if got := count(c.n, c.holds); got != c.before {
			t.Errorf("%s has %d, want %d before %s", c.n.Name, got, c.before, c.edit)
		}
		if got := count(apply(t, c.n, c.edit), c.holds); got != c.after {
			t.Errorf("%s has %d after %s, want %d", c.n.Name, got, c.edit, c.after)
		}
	}
	// 14x14x256 by a dense 3x3 to 256 channels, and by a separable one; five of such in stage 3.
	dense, separable := int64(9*256*256*196), int64(9*256*196+256*256*196)
	if got := resnet.Counts().MACs - apply(t, resnet, "separable@3").Counts().MACs; got != 6*(dense-separable) {
		t.Errorf("separable@3 saves %d multiply-adds, want %d", got, 6*(dense-separable))
	}
}

// TestEditsInTurn makes one edit after another: each is found in what the ones before left.
func TestEditsInTurn(t *testing.T) {
	n := network(t, "mobilenet_v3_large")
	all, part := find(t, n, "se@all"), find(t, n, "se@4")
	if !all.Contains(&part) || part.Contains(&all) {
		t.Error("se@all contains se@4, and not the other way round")
	}
	m, err := part.Apply(n)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = all.Apply(m); err != nil || len(gates(newGraph(m))) > 0 {
		t.Errorf("se@all behind se@4 leaves %d gates (%v)", len(gates(newGraph(m))), err)
	}
	if _, err := part.Apply(m); err == nil || !strings.Contains(err.Error(), "nothing is left") {
		t.Errorf("se@4 behind se@all says %v", err)
	}
}

// TestStale wants no figures of the network before in the metadata of an edited one.
func TestStale(t *testing.T) {
	n := network(t, "mobilenet_v3_small")
	n.Meta = map[string]string{"arch": "x", "macs": "1", "author": "somebody"}
	if m := apply(t, n, "se@all"); len(m.Meta) != 1 || m.Meta["author"] == "" {
		t.Errorf("the metadata is %v", m.Meta)
	}
}
