package zoo

import (
	"strconv"

	"nas/blocks"
)

// alexConv is one of AlexNet's convolutions with what follows it.
type alexConv struct {
	out, kernel, stride, pad, groups int
	lrn, pool                        bool // 3x3 max pooling of stride 2
}

// alex2012 is section 3.5 of the paper, alexOWT torchvision's network.
var alex2012 = []alexConv{
	{out: 96, kernel: 11, stride: 4, lrn: true, pool: true},
	{out: 256, kernel: 5, stride: 1, pad: 2, groups: 2, lrn: true, pool: true},
	{out: 384, kernel: 3, stride: 1, pad: 1},
	{out: 384, kernel: 3, stride: 1, pad: 1, groups: 2},
	{out: 256, kernel: 3, stride: 1, pad: 1, groups: 2, pool: true},
}

var alexOWT = []alexConv{
	{out: 64, kernel: 11, stride: 4, pad: 2, pool: true},
	{out: 192, kernel: 5, stride: 1, pad: 2, pool: true},
	{out: 384, kernel: 3, stride: 1, pad: 1},
	{out: 256, kernel: 3, stride: 1, pad: 1},
	{out: 256, kernel: 3, stride: 1, pad: 1, pool: true},
}

// alex appends the convolutions and three linear layers.
func alex(rows []alexConv) func(b *blocks.Builder, s settings) {
	return func(b *blocks.Builder, s settings) {
		x := b.Input()
		for i, r := range rows {
			b.Mark(i+1, 0)
			b.Scope("conv"+strconv.Itoa(i+1), func() {
				x = b.Apply("conv", &blocks.Conv{Out: r.out, Kernel: [2]int{r.kernel, r.kernel},
					Stride: [2]int{r.stride, r.stride}, Pad: blocks.PadAll(r.pad), Groups: r.groups, Bias: true}, x)
				x = b.Act(blocks.ReLU, x)
				if r.lrn {
					// The paper's alpha of 1e-4 is not divided by the five channels.
					x = b.Apply("lrn", &blocks.LRN{Size: 5, Alpha: 5e-4, Beta: 0.75, Bias: 2}, x)
				}
				if r.pool {
					x = b.Apply("pool", &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}}, x)
				}
			})
		}
		b.Mark(len(rows)+1, 0)
		for i := range 2 {
			name := "head.fc" + strconv.Itoa(i+1)
			x = b.Apply(name, &blocks.Linear{Out: 4096, Bias: true}, x)
			x = b.Apply(name+".relu", &blocks.Activation{Func: blocks.ReLU}, x)
		}
		b.Apply("head.classifier", &blocks.Linear{Out: s.classes, Bias: true}, x)
	}
}

var alexNet = []Entry{
	{
		Name:    "alexnet",
		Paper:   "Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012; on 227 pixels, which the printed 224 must mean",
		Options: []Option{res(227, 227), classes(1000)},
		Figures: []Figure{
			{"", "top1_pct", 59.3, "paper, table 2, one network", ""},
			{"", "top5_pct", 81.8, "paper, table 2, one network", ""},
			{"", "params", 60e6, "paper, abstract", "rounded"},
		},
		build: alex(alex2012),
	},
	{
		Name:    "alexnet_owt",
		Paper:   "Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014, arXiv:1404.5997; as in torchvision",
		Options: []Option{res(224, 224), classes(1000)},
		Figures: []Figure{
			{"", "top1_pct", 56.52, "torchvision, IMAGENET1K_V1", ""},
			{"", "top5_pct", 79.07, "torchvision, IMAGENET1K_V1", ""},
			{"", "params", 61100840, "torchvision", ""},
		},
		build: alex(alexOWT),
	},
}
