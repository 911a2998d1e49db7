package proxy

import (
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

func TestProxyResolution(t *testing.T) {
	for _, tt := range []struct{ r, want int }{{224, 64}, {192, 56}, {160, 48}, {128, 40}, {96, 32}, {32, 32}, {24, 24},
		{1024, 296}} {
		if got := proxyResolution(tt.r, 2./7); got != tt.want {
			t.Errorf("proxyResolution(%d) = %d, want %d", tt.r, got, tt.want)
		}
	}
}

// TestShrink runs every network of the zoo through the proxy's reduction:
// segmentation heads resize to fixed extents, pyramids pool with fixed windows.
func TestShrink(t *testing.T) {
	for _, e := range zoo.Entries() {
		n, err := zoo.Get(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := shrunk(n, 2./7)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		if s.Input().H >= n.Input().H || s.Output().C != n.Output().C {
			t.Errorf("%s: shrunk from %v -> %v to %v -> %v", e.Name, n.Input(), n.Output(), s.Input(), s.Output())
		}
		again := blocks.Network{Name: s.Name, Nodes: s.Nodes}
		if err := again.Infer(); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if _, err := zoo.Get(e.Name); err != nil || n.Nodes[0].Shape == s.Nodes[0].Shape {
			t.Errorf("%s: the network itself was changed", e.Name)
		}
	}
}
