package blocks

import "strconv"

// SSDLite is the detection head of MobileNetV2 (Sandler et al., CVPR 2018, section 6.2): SSD (Liu et al., ECCV 2016)
// whose predictors and further maps are separable. It predicts on six maps: Fine, its input, and four more that halve
// the extent each, of Extra, Extra/2, Extra/2 and Extra/4 channels, as in torchvision's ssdlite320.
//
// The network returns two outputs a map, from the finest on: the scores, H x W x (Anchors * Classes), and the boxes,
// H x W x (Anchors * 4). Anchors, the coding of boxes and the suppression of those that overlap are for the program
// that reads them.
type SSDLite struct {
	Classes int   // with the background
	Anchors int   // boxes at each pixel; 0 means 6
	Extra   int   // channels of the first further map; 0 means 512
	Fine    Value // the finer map, at 1/16 of the input in the paper
	Act     ActFunc
	Epsilon float64 // of the batch normalisation; 0 means 1e-5
}

// Build appends the head, reading in, the map at 1/32 of the input in the paper. It names the network's outputs, and
// returns the last.
func (p SSDLite) Build(b *Builder, in Value) Value {
	anchors, extra := p.Anchors, p.Extra
	if anchors == 0 {
		anchors = 6
	}
	if extra == 0 {
		extra = 512
	}
	maps := []Value{p.Fine, in}
	for i, out := range []int{extra, extra / 2, extra / 2, extra / 4} {
		next := Sequence{
			Named{"reduce", ConvBNAct{Out: max(out/2, 1), Act: p.Act, Epsilon: p.Epsilon}},
			DepthwiseSeparable{Out: max(out, 1), Stride: 2, Act: p.Act, Epsilon: p.Epsilon},
		}
		maps = append(maps, Named{"extra" + strconv.Itoa(i+1), next}.Build(b, maps[len(maps)-1]))
	}
	var outs []Value
	predict := func(name string, x Value, out int) {
		b.Scope(name, func() {
			dw := ConvBNAct{Out: b.Shape(x).C, Kernel: 3, Groups: Depthwise, Act: p.Act, Epsilon: p.Epsilon}
			y := Named{"depthwise", dw}.Build(b, x)
			outs = append(outs, b.Apply("conv", &Conv{Out: out, Kernel: [2]int{1, 1}, Bias: true}, y))
		})
	}
	for i, x := range maps {
		predict("scores"+strconv.Itoa(i+1), x, anchors*p.Classes)
		predict("boxes"+strconv.Itoa(i+1), x, anchors*4)
	}
	b.Return(outs...)
	return outs[len(outs)-1]
}
