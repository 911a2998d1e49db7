package space

import (
	"strings"
	"testing"

	"nas/blocks"
)

// TestMixture: with experts a block has their weights, and elsewhere the same ops as without.
func TestMixture(t *testing.T) {
	r := newRand(11)
	seen := map[Kind]int{}
	for range 300 {
		s, err := New(randomSpec(r))
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range s.Arch(s.Sample(r)).Stages {
			if len(st) == 0 || st[0].Kind == Xception || st[0].Kind == UIB || st[0].Kind == Bottleneck {
				continue
			}
			k := st[0]
			k.Experts, k.PointExperts = 0, 0
			seen[k.Kind]++
			in := blocks.Shape{H: 8, W: 8, C: 20}
			if k.Residual {
				in.C = k.Channels
			}
			build := func(p blocks.Block) []blocks.Layer {
				b := blocks.NewBuilder("block", in)
				p.Build(b, b.Input())
				n, err := b.Network()
				if err != nil {
					t.Fatalf("%v: %v", k, err)
				}
				return n.Layers()
			}
			plain := build(k.layers())
			const experts = 3
			k.Experts, k.PointExperts = experts, 0
			mixed := build(k.layers())
			for _, p := range plain {
				for _, m := range mixed {
					if m.Name != p.Name {
						continue
					}
					want := p.Params
					if p.Op == "conv" && (strings.HasPrefix(p.Name, "depthwise") || strings.HasPrefix(p.Name, "fused") ||
						p.Name == "conv") {
						want *= experts
					}
					if m.Params != want || m.Out != p.Out {
						t.Fatalf("%v: %s has %d params and gives %v, want %d and %v", k, m.Name, m.Params, m.Out, want, p.Out)
					}
				}
			}
		}
	}
	for _, k := range []Kind{Conv, Grouped, DS, MBConv, Fused} {
		if seen[k] == 0 {
			t.Errorf("no block of kind %v was drawn", k)
		}
	}
}
