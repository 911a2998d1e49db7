package profiles

import (
	"fmt"
	"iter"
	"math/rand/v2"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/internal/random"
	"nas/space"
)

// Family is a series of networks of the literature that differ in their width multiplier. Every
// reader of a plot knows where they stand, so a front is held against them.
type Family struct {
	Name, spec string
	Widths     []float64
}

// Families are those that a front is held against, and that every fourth network of a calibration is of.
var Families = []Family{
	{"MobileNetV1", "mobilenet_v1", []float64{0.25, 0.5, 0.75, 1}},
	{"MobileNetV2", "mobilenet_v2", []float64{0.35, 0.5, 0.75, 1, 1.4}},
	{"MobileNetV3-Large", "mobilenet_v3_large", []float64{0.5, 0.75, 1}},
	{"MobileNetV3-Small", "mobilenet_v3_small", []float64{0.5, 0.75, 1}},
}

// Network makes a network of the family at the input and classes of the config's space.
func (f Family) Network(width float64, c *config.Config) (spec string, n *blocks.Network, err error) {
	in := c.Space.Input
	spec = fmt.Sprintf("%s@width=%g,res=%dx%d,classes=%d", f.spec, width, in[0], in[1], c.Space.Classes)
	n, err = zoo.Get(spec)
	return spec, n, err
}

// calibrationNetworks yields what the calibration of a run times, for as long as it asks: samples
// of the space, and as every fourth a reference network until there are no more.
func calibrationNetworks(sp *space.Space, c *config.Config) iter.Seq[*blocks.Network] {
	return func(yield func(*blocks.Network) bool) {
		r := random.Stream(c.Accuracy.Seed, "calib")
		for i := 0; ; i++ {
			if i%4 == 3 && i/4 < len(Families) {
				f := Families[i/4]
				if _, n, err := f.Network(f.Widths[len(f.Widths)-1], c); err == nil && !yield(n) {
					return
				}
				continue
			}
			if n := calibrationSample(sp, i, r); n != nil && !yield(n) {
				return
			}
		}
	}
}

// calibrationSample returns the i-th network of a space for a calibration, nil if the genes drawn
// have none. One in four is made smaller by up to 32 mutations: fronts begin where hardly any
// sample lies, and there all weights stay in a cache.
func calibrationSample(sp *space.Space, i int, r *rand.Rand) *blocks.Network {
	g := sp.Sample(r)
	n, err := sp.Arch(g).Network()
	if err != nil {
		return nil
	}
	if i%4 != 1 {
		return n
	}
	least := n.Counts().MACs
	for range r.IntN(33) {
		h := sp.Mutate(g, r)
		if m, err := sp.Arch(h).Network(); err == nil && m.Counts().MACs < least {
			g, n, least = h, m, m.Counts().MACs
		}
	}
	return n
}

// wellKnown are timed with every space, so that a profile can speak of them, too.
var wellKnown = []string{
	"mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "mobilenet_v1",
	"mnasnet_a1", "mobilenet_v3_small", "efficientnet_b1", "efficientnet_b2",
}

// NetworksOf yields networks for a calibration without a run: samples of a space, two of three from
// the zoo until those end; or, where sp is nil, the mobile networks of the zoo at several sizes.
func NetworksOf(sp *space.Space, seed uint64) iter.Seq[*blocks.Network] {
	if sp == nil {
		return zooNetworks
	}
	return func(yield func(*blocks.Network) bool) {
		r := random.Stream(seed, "calib")
		for i := 0; ; i++ {
			// A calibration holds out every third network, and times for certain those that come first.
			if k := i - i/3; i%3 != 2 && k < len(wellKnown) {
				if n, err := zoo.Get(wellKnown[k]); err == nil && !yield(n) {
					return
				}
				continue
			}
			if n := calibrationSample(sp, i, r); n != nil && !yield(n) {
				return
			}
		}
	}
}

func zooNetworks(yield func(*blocks.Network) bool) {
	for _, f := range Families {
		for _, w := range f.Widths {
			for _, res := range []int{224, 192, 160, 128} {
				n, err := zoo.Get(fmt.Sprintf("%s@width=%g,res=%d", f.spec, w, res))
				if err == nil && !yield(n) {
					return
				}
			}
		}
	}
}
