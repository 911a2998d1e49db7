package zoo

import "nas/blocks"

// rates are the dilations of ASPP, which double at output stride 8 (Chen et
// al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017, section 4).
func rates(outputStride int) []int {
	switch outputStride {
	case 8:
		return []int{12, 24, 36}
	case 16:
		return []int{6, 12, 18}
	}
	return []int{3, 6, 9}
}

var deepLab = []Entry{
	{
		Name:    "deeplabv3_mobilenet_v2",
		Paper:   "Sandler et al., MobileNetV2, CVPR 2018, section 6.3: the backbone without its last convolution, and a head without dilated branches unless aspp=true",
		Options: []Option{width(1), res(513, 513), classes(21), outputStride(16), aspp(false)},
		Figures: []Figure{
			{"", "miou_pct", 75.32, "paper, table 7, PASCAL VOC 2012 validation, without ASPP", ""},
			{"", "params", 2.11e6, "paper, table 7", ""},
			{"", "macs", 2.75e9, "paper, table 7", ""},
			{"aspp=true", "params", 4.52e6, "paper, table 7", ""},
			{"aspp=true", "macs", 5.8e9, "paper, table 7", "not reproduced: an exact count gives 5.36 billion"},
		},
		build: func(b *blocks.Builder, s settings) {
			input := b.Shape(b.Input())
			x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: scale(32, s.width), Kernel: 3, Stride: 2, Act: blocks.ReLU6})
			outs := inverted{stages: v2Stages, width: s.width, outputStride: s.outputStride}.build(b, x)
			head := blocks.ASPP{Out: 256, Act: blocks.ReLU}
			if s.aspp {
				head.Rates = rates(s.outputStride)
			}
			x = blocks.Named{Name: "head.aspp", Block: head}.Build(b, outs[len(outs)-1])
			segment(b, x, s.classes, input)
		},
	},
	{
		Name:    "deeplabv3_mobilenet_v3_large",
		Paper:   "Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017, on MobileNetV3 (Howard et al., ICCV 2019); as in torchvision, without the auxiliary head",
		Options: []Option{width(1), res(520, 520), classes(21), outputStride(16)},
		Figures: []Figure{
			{"", "miou_pct", 60.3, "torchvision, COCO validation with the labels of PASCAL VOC", ""},
			{"", "params", 11029328, "torchvision", "counts the auxiliary head too: 3,851"},
		},
		build: func(b *blocks.Builder, s settings) {
			input := b.Shape(b.Input())
			_, x := v3Large.backbone(b, s.width, s.outputStride)
			x = blocks.Sequence{
				blocks.Named{Name: "head.aspp", Block: blocks.ASPP{Out: 256, Rates: []int{12, 24, 36}, Act: blocks.ReLU}},
				blocks.Named{Name: "head.refine", Block: blocks.ConvBNAct{Out: 256, Kernel: 3, Act: blocks.ReLU}},
			}.Build(b, x)
			segment(b, x, s.classes, input)
		},
	},
	{
		Name:    "lraspp_mobilenet_v3_large",
		Paper:   "Howard et al., Searching for MobileNetV3, ICCV 2019, figure 10; as in torchvision",
		Options: []Option{width(1), res(520, 520), classes(21), outputStride(16)},
		Figures: []Figure{
			{"", "miou_pct", 57.9, "torchvision, COCO validation with the labels of PASCAL VOC", ""},
			{"", "params", 3221538, "torchvision", ""},
		},
		build: func(b *blocks.Builder, s settings) {
			input := b.Shape(b.Input())
			outs, x := v3Large.backbone(b, s.width, s.outputStride)
			head := blocks.LRASPP{Hidden: 128, Classes: s.classes, Low: outs[3], Act: blocks.ReLU}
			x = blocks.Named{Name: "head.lraspp", Block: head}.Build(b, x)
			b.Apply("head.resize", &blocks.Resize{H: input.H, W: input.W}, x)
		},
	},
}
