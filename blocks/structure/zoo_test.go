package structure

import (
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// TestZoo finds the stages and blocks of the zoo's networks again. The stem of Fast-SCNN has
// separable convolutions, which nothing tells from blocks; the last stage of MobileNetV4 is one
// 1x1 convolution, which is the head's in every other network.
func TestZoo(t *testing.T) {
	specs := []string{"mobilenet_v1@width=0.25", "mobilenet_v2@width=0.35,res=96", "mobilenet_v3_large@width=0.75",
		"mobilenet_v3_small@width=0.5", "shufflenet_v2@width=0.5", "efficientnet_b3@res=64"}
	for _, e := range zoo.Entries() {
		// The further maps of SSDLite halve as stages do, and are taken for such.
		if e.Name != "fast_scnn" && e.Name != "ssdlite_mobilenet_v3_large" {
			specs = append(specs, e.Name)
		}
	}
	for _, spec := range specs {
		want, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		got := unmarked(want)
		Mark(got)
		compare(t, spec, got, want)
	}
}

// unmarked returns a network without stages and blocks.
func unmarked(n *blocks.Network) *blocks.Network {
	m := *n
	m.Nodes = append([]blocks.Node(nil), n.Nodes...)
	for i := range m.Nodes {
		m.Nodes[i].Stage, m.Nodes[i].Block = 0, 0
	}
	return &m
}

func compare(t *testing.T, spec string, got, want *blocks.Network) {
	t.Helper()
	for i := range got.Nodes {
		a, b := &got.Nodes[i], &want.Nodes[i]
		if strings.HasPrefix(spec, "mobilenet_v4") && b.Stage >= 5 {
			return
		}
		if a.Stage != b.Stage || a.Block != b.Block {
			t.Errorf("%s: node %s is in stage %d, block %d, want %d, %d", spec, a.Name, a.Stage, a.Block, b.Stage, b.Block)
			return
		}
	}
}
