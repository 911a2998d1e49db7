package space

import (
	"testing"

	"nas/blocks"
)

// TestGrouped: groups are followed by a shuffle, and as many groups as channels
// are a depthwise convolution exactly, without one.
func TestGrouped(t *testing.T) {
	for groups, wantShuffle := range map[int]bool{2: true, 8: true, 16: false} {
		spec := valid()
		spec.Stem.Channels = Ints{16}
		spec.Stage = []StageSpec{{Block: Strings{"grouped"}, Channels: Ints{16}, Groups: Ints{groups}, Residual: Bools{true}}}
		s, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Arch(Genes{}).Network()
		if err != nil {
			t.Fatal(err)
		}
		var shuffles, weights int
		for i, nd := range n.Nodes {
			switch op := nd.Op.(type) {
			case *blocks.ChannelShuffle:
				shuffles++
			case *blocks.Conv:
				if nd.Stage == 1 {
					weights = n.Params(i)[0].Len()
					if op.Depthwise(16) != (groups == 16) {
						t.Errorf("%d groups: depthwise is %v", groups, op.Depthwise(16))
					}
				}
			}
		}
		if (shuffles == 1) != wantShuffle || weights != 9*16*16/groups {
			t.Errorf("%d groups: %d shuffles, %d weights", groups, shuffles, weights)
		}
	}
}
