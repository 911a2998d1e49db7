package structure

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"nas/blocks"
	"nas/internal/config"
	"nas/space"
)

// TestSpaces finds the blocks of networks from the spaces of the configs. The stages may be others,
// such as two of the space that have the same channels.
func TestSpaces(t *testing.T) {
	files, err := filepath.Glob("../../configs/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no configs: %v", err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		c, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if c.Space.Head.Kind == "ssdlite" {
			c.Space.Head.Kind, c.Space.Classes = "features", 0 // its further maps halve as stages do, and are taken for such
			c.Space.Head.Hidden, c.Space.Head.Channels = nil, nil
		}
		s, err := space.New(c.Space)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			a := s.Arch(s.Sample(r))
			want, err := a.Network()
			if err != nil {
				t.Fatal(err)
			}
			got := unmarked(want)
			Mark(got)
			for i := 2; i < len(want.Nodes); i++ {
				if sameBlock(got, i) != sameBlock(want, i) {
					t.Errorf("%s: %s: node %s is in stage %d, block %d", file, a, want.Nodes[i].Name,
						got.Nodes[i].Stage, got.Nodes[i].Block)
					break
				}
			}
		}
	}
}

// sameBlock reports whether node i belongs to the block of the node before it, or both to the stem.
func sameBlock(n *blocks.Network, i int) bool {
	a, b := &n.Nodes[i-1], &n.Nodes[i]
	return a.Stage == b.Stage && (a.Block == b.Block || a.Stage == 0)
}

// TestConstants has a constant in front of a residual block, and no end that all paths lead to.
func TestConstants(t *testing.T) {
	b := blocks.NewBuilder("constants", blocks.Shape{H: 8, W: 8, C: 3})
	x := b.Apply("stem", &blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1)}, b.Input())
	c := b.Apply("constant", &blocks.Constant{Shape: blocks.Shape{H: 8, W: 8, C: 4}}, b.Input())
	y := b.Apply("block", &blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1)}, x)
	y = b.Apply("add", &blocks.Add{}, x, y)
	b.Apply("shifted", &blocks.Add{}, y, c)
	b.Apply("side", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	Mark(n)
	if nd := n.Nodes[3]; nd.Stage != 1 || nd.Block != 1 {
		t.Errorf("the block is in stage %d, block %d", nd.Stage, nd.Block)
	}
	if _, err := space.FromNetwork(n); err == nil {
		t.Error("a network without classifier has an arch")
	}
}
