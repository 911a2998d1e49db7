package zoo

import (
	"slices"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/levenshtein"
)

// networks are the zoo in the order of Entries, put together once.
var networks = slices.Concat(alexNet, squeezeNet, inceptionV3, xception, resNet, mobileNetV1, mobileNetV2,
	mobileNetV3, mobileNetV4, ppLCNet, dsCNN,
	mnasNet, proxylessNAS, fbNet, efficientNet, tinyNet, shuffleNetV2, fastSCNN, deepLab, ssdLite)

// Entries returns all networks: classics, mobile networks, segmentation.
func Entries() []Entry { return slices.Clone(networks) }

// Get builds the network that spec asks for: NAME or NAME@OPTION=VALUE,... The error for an
// unknown name lists the nearest names, the error for a bad option what is allowed. The name of
// the network is the spec in canonical form: without options that have their default, the others
// in the entry's order.
func Get(spec string) (*blocks.Network, error) {
	name, rest, has := strings.Cut(spec, "@")
	i := slices.IndexFunc(networks, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return nil, fault.Errorf("zoo: there is no network %q, nearest: %s", name, strings.Join(nearest(name, 3), ", "))
	}
	e := &networks[i]
	if has && rest == "" {
		return nil, fault.Errorf("zoo: %q: no option after the @, allowed: %s", spec, e.allowed())
	}
	s, canonical, err := e.settings(rest)
	if err != nil {
		return nil, fault.Errorf("zoo: %q: %w", spec, err)
	}
	if canonical != "" {
		name += "@" + canonical
	}
	b := blocks.NewBuilder(name, blocks.Shape{H: s.h, W: s.w, C: s.channels})
	e.build(b, s)
	n, err := b.Network()
	if err != nil {
		return nil, fault.Errorf("zoo: %q cannot be built: %w", spec, err)
	}
	return n, nil
}

// nearest returns the k names with the smallest edit distance to name.
func nearest(name string, k int) []string {
	names := make([]string, len(networks))
	for i, e := range networks {
		names[i] = e.Name
	}
	name = name[:min(len(name), 64)]
	slices.SortStableFunc(names, func(a, b string) int {
		return levenshtein.Distance(name, a) - levenshtein.Distance(name, b)
	})
	return names[:min(k, len(names))]
}
