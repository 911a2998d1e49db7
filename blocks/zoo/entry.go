package zoo

import "nas/blocks"

// Entry is one network of the zoo. [Get] builds it.
type Entry struct {
	Name    string
	Paper   string // where it is defined, and how the definition here differs
	Options []Option
	Figures []Figure // what has been published about it

	build func(b *blocks.Builder, s settings)
}

// Figure is a published number.
type Figure struct {
	Options string // which form it is about: "width=0.75"; "" is the base form
	// Quantity is "top1_pct" or "top5_pct" (ImageNet validation, one crop), "miou_pct", "map_pct" (boxes of COCO val2017),
	// "params" or "macs".
	Quantity string
	Value    float64
	Source   string // who says so
	Note     string // why a count differs from ours, or how exact it is
}

// otherWork is the note of figures a little above an exact count whose source
// does not say what they count.
const otherWork = "more than convolutions and linear layers, its source does not say what"
