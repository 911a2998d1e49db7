package zoo

import "nas/blocks"

// reducedTail halves the channels behind the last stride, as the paper does for detection (section 6.3).
func (v v3) reducedTail() v3 {
	rows := append([]stage(nil), v.stages...)
	rows[len(rows)-1].out /= 2
	v.stages, v.conv = rows, v.conv/2
	return v
}

var ssdLite = []Entry{
	{
		Name:    "ssdlite_mobilenet_v3_large",
		Paper:   "Howard et al., ICCV 2019, table 6, with the head of Sandler et al., CVPR 2018, section 6.2; as in torchvision: scores and boxes of six maps, before the boxes are decoded and chosen",
		Options: []Option{width(1), res(320, 320), classes(91)},
		Figures: []Figure{
			{"", "map_pct", 21.3, "torchvision, COCO_V1", ""},
			{"", "params", 3440060, "torchvision, COCO", ""},
			{"", "macs", 0.583e9, "torchvision, COCO", "rounded, called GFLOPS there"},
		},
		build: func(b *blocks.Builder, s settings) {
			outs, x := v3Large.reducedTail().backbone(b, s.width, 0)
			fine := b.Wider(outs[len(outs)-1])
			head := blocks.SSDLite{Classes: s.classes, Fine: fine, Act: blocks.ReLU6, Epsilon: v3Epsilon}
			blocks.Named{Name: "head", Block: head}.Build(b, x)
		},
	},
}
