package space_test

import (
	"testing"

	"nas/blocks/zoo"
	"nas/space"
)

// A network of the zoo that is a row of blocks comes back with the same counts.
func TestFromNetworkCounts(t *testing.T) {
	for _, name := range []string{
		"mobilenet_v1", "mobilenet_v1@width=0.5,res=160", "mobilenet_v2", "mobilenet_v2@width=1.4", "mobilenet_v3_large",
		"mobilenet_v3_small", "mnasnet_a1", "mnasnet_b1", "efficientnet_b0", "efficientnet_lite0",
	} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Error(err)
			continue
		}
		a, err := space.FromNetwork(n)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m, err := a.Network()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := m.Counts(), n.Counts(); got != want {
			t.Errorf("%s: counts are %+v, want %+v\n%s", name, got, want, a)
		}
		b, err := space.FromNetwork(m)
		if err != nil || b.String() != a.String() {
			t.Errorf("%s: the arch's own network is read as\n%s\nwant\n%s (%v)", name, b, a, err)
		}
	}
}

func TestFromNetworkRefuses(t *testing.T) {
	for _, name := range []string{"inception_v3", "alexnet", "squeezenet"} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := space.FromNetwork(n); err == nil {
			t.Errorf("%s is described as %s, want an error", name, a)
		}
	}
}
