package zoo

import (
	"strconv"

	"nas/blocks"
)

// branch is a chain of convolutions and poolings; a mixed block runs several
// and concatenates them. A row is {channels, kernel height, kernel width,
// stride}; channels 0 is a 3x3 pooling: average at stride 1, maximum at stride
// 2. Convolutions of stride 1 keep the extent, those of stride 2 and the maximum
// have no padding.
type branch struct {
	rows [][4]int
	fork [][4]int // convolutions side by side on the last row's output
}

// c is a row.
func c(channels, kh, kw, stride int) [4]int { return [4]int{channels, kh, kw, stride} }

// chain is a branch of rows only.
func chain(rows ...[4]int) branch { return branch{rows: rows} }

// mixedA, mixedC and mixedE are the mixed blocks of Szegedy et al. (CVPR 2016),
// figures 5 to 7, with the channels of the released network; the reductions
// between them (figure 10) stand in inceptionStages.
func mixedA(pool int) []branch {
	return []branch{
		chain(c(64, 1, 1, 1)),
		chain(c(48, 1, 1, 1), c(64, 5, 5, 1)),
		chain(c(64, 1, 1, 1), c(96, 3, 3, 1), c(96, 3, 3, 1)),
		chain(c(0, 3, 3, 1), c(pool, 1, 1, 1)),
	}
}

func mixedC(n int) []branch {
	return []branch{
		chain(c(192, 1, 1, 1)),
		chain(c(n, 1, 1, 1), c(n, 1, 7, 1), c(192, 7, 1, 1)),
		chain(c(n, 1, 1, 1), c(n, 7, 1, 1), c(n, 1, 7, 1), c(n, 7, 1, 1), c(192, 1, 7, 1)),
		chain(c(0, 3, 3, 1), c(192, 1, 1, 1)),
	}
}

func mixedE() []branch {
	cross := [][4]int{c(384, 1, 3, 1), c(384, 3, 1, 1)}
	return []branch{
		chain(c(320, 1, 1, 1)),
		{rows: [][4]int{c(384, 1, 1, 1)}, fork: cross},
		{rows: [][4]int{c(448, 1, 1, 1), c(384, 3, 3, 1)}, fork: cross},
		chain(c(0, 3, 3, 1), c(192, 1, 1, 1)),
	}
}

// inceptionStages are the blocks at 35x35, 17x17 and 8x8 pixels.
var inceptionStages = [][][]branch{
	{mixedA(32), mixedA(64), mixedA(64)},
	{
		{chain(c(384, 3, 3, 2)), chain(c(64, 1, 1, 1), c(96, 3, 3, 1), c(96, 3, 3, 2)), chain(c(0, 3, 3, 2))},
		mixedC(128), mixedC(160), mixedC(160), mixedC(192),
	},
	{
		{chain(c(192, 1, 1, 1), c(320, 3, 3, 2)), chain(c(192, 1, 1, 1), c(192, 1, 7, 1), c(192, 7, 1, 1), c(192, 3, 3, 2)), chain(c(0, 3, 3, 2))},
		mixedE(), mixedE(),
	},
}

// incept appends one row.
func incept(b *blocks.Builder, name string, x blocks.Value, r [4]int) blocks.Value {
	k, stride := [2]int{r[1], r[2]}, [2]int{r[3], r[3]}
	pad := blocks.PadSame(r[1], r[2], 1)
	if r[3] > 1 {
		pad = blocks.Pad{}
	}
	if r[0] == 0 {
		kind := blocks.AvgPool
		if r[3] > 1 {
			kind = blocks.MaxPool
		}
		return b.Apply(name+".pool", &blocks.Pool{Pool: kind, Kernel: k, Stride: stride, Pad: pad,
			CountPad: kind == blocks.AvgPool}, x)
	}
	b.Scope(name, func() {
		x = b.Apply("conv", &blocks.Conv{Out: r[0], Kernel: k, Stride: stride, Pad: pad}, x)
		x = b.Apply("bn", &blocks.BatchNorm{Epsilon: 1e-3}, x)
		x = b.Act(blocks.ReLU, x)
	})
	return x
}

// mix appends a mixed block.
func mix(b *blocks.Builder, in blocks.Value, branches []branch) blocks.Value {
	outs := make([]blocks.Value, len(branches))
	for i, p := range branches {
		b.Scope("branch"+strconv.Itoa(i+1), func() {
			x := in
			for j, r := range p.rows {
				x = incept(b, "op"+strconv.Itoa(j+1), x, r)
			}
			if p.fork != nil {
				sides := make([]blocks.Value, len(p.fork))
				for j, r := range p.fork {
					sides[j] = incept(b, "fork"+strconv.Itoa(j+1), x, r)
				}
				x = b.Apply("concat", &blocks.Concat{}, sides...)
			}
			outs[i] = x
		})
	}
	return b.Apply("concat", &blocks.Concat{}, outs...)
}

var inceptionV3 = []Entry{{
	Name:    "inception_v3",
	Paper:   "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016; without the auxiliary head, which only training uses",
	Options: []Option{res(299, 299), classes(1000)},
	Figures: []Figure{
		{"", "top1_pct", 77.29, "torchvision, IMAGENET1K_V1", ""},
		{"", "top5_pct", 93.45, "torchvision, IMAGENET1K_V1", ""},
		{"", "params", 27161264, "torchvision", "counts the auxiliary head too: 3,326,696"},
		{"", "params", 23851784, "Keras", "counts moving statistics and no batch-normalisation scale"},
		{"", "params", 23626728, "Xception paper, table 3", "matches no count of this network"},
	},
	build: func(b *blocks.Builder, s settings) {
		x := b.Input()
		for i, r := range [][4]int{c(32, 3, 3, 2), c(32, 3, 3, 1), c(64, 3, 3, 1), c(0, 3, 3, 2), c(80, 1, 1, 1),
			c(192, 3, 3, 1), c(0, 3, 3, 2)} {
			name := "stem" + strconv.Itoa(i+1)
			if i == 1 || i == 5 { // these two are not padded
				x = convAs(b, name, x, blocks.ConvBNAct{Out: r[0], Kernel: 3, Pad: &blocks.Pad{}, Act: blocks.ReLU, Epsilon: 1e-3})
				continue
			}
			x = incept(b, name, x, r)
		}
		for i, st := range inceptionStages {
			for j, m := range st {
				b.Mark(i+1, j+1)
				b.Scope("stage"+strconv.Itoa(i+1)+".block"+strconv.Itoa(j+1), func() { x = mix(b, x, m) })
			}
		}
		b.Mark(len(inceptionStages)+1, 0)
		classify(b, x, s.classes)
	},
}}
