package benchmark

import (
	"fmt"

	"nas/blocks"
	"nas/internal/fault"
)

func init() { benchmarks["ablations"] = ablationsBenchmark }

// ablationsBenchmark holds networks that their authors trained with and without
// one thing: the nine forms of PP-LCNet 0.5x (Cui et al., PP-LCNet: A Lightweight
// CPU Convolutional Neural Network, 2021) and MobileNetV2 with and without
// squeeze-and-excite (Hou, Zhou and Feng, Coordinate Attention for Efficient
// Mobile Network Design, CVPR 2021). No estimate was fitted to them. They are for
// pairs that differ in one thing: accuracies of the two families do not compare.
func ablationsBenchmark() (*Benchmark, error) {
	t, err := embeddedTable("ablations.csv")
	if err != nil {
		return nil, err
	}
	b := &Benchmark{
		Name: "ablations",
		Source: "PP-LCNet 0.5x and MobileNetV2 with and without squeeze-and-excite, hard-swish and kernels of 5: " +
			"ImageNet, their authors' recipes",
	}
	for _, row := range t.Rows {
		family := row.Text("family")
		r := Row{ID: row.Text("id"), Group: family, Recipe: family, Truth: row.Float("top1")}
		a := ablation{id: r.ID, width: row.Float("width"), se: row.Text("se"), k5: row.Text("kernel5")}
		if a.act, err = blocks.ParseActFunc(row.Text("activation")); err != nil {
			row.Fail("activation", "%w", err)
		}
		of, known := ablated[family]
		if !known || len(a.se) != len(of) || len(a.k5) != len(of) {
			row.Fail("family", "want a known family and a digit for each of its blocks")
		}
		if err := row.Err(); err != nil {
			return nil, fault.Errorf("accuracy: %w", err)
		}
		if r.Network, err = a.network(family, of); err != nil {
			return nil, err
		}
		c := r.Network.Counts()
		r.MACs, r.Params = c.MACs, c.Params
		b.Rows = append(b.Rows, r)
	}
	return b, nil
}

// ablated are the families' blocks: output channels at width 1, stride, and
// expansion (0 for a depthwise-separable block).
var ablated = map[string][][3]int{
	"pplcnet": {{32, 1, 0}, {64, 2, 0}, {64, 1, 0}, {128, 2, 0}, {128, 1, 0}, {256, 2, 0}, {256, 1, 0}, {256, 1, 0},
		{256, 1, 0}, {256, 1, 0}, {256, 1, 0}, {512, 2, 0}, {512, 1, 0}},
	"mobilenet_v2": {{16, 1, 1}, {24, 2, 6}, {24, 1, 6}, {32, 2, 6}, {32, 1, 6}, {32, 1, 6}, {64, 2, 6}, {64, 1, 6},
		{64, 1, 6}, {64, 1, 6}, {96, 1, 6}, {96, 1, 6}, {96, 1, 6}, {160, 2, 6}, {160, 1, 6}, {160, 1, 6}, {320, 1, 6}},
}

// ablation is one form: a digit for each block says whether it has a gate and
// whether its kernel size is 5.
type ablation struct {
	id     string
	width  float64
	act    blocks.ActFunc
	se, k5 string
}

// network builds the form at 224 x 224. PP-LCNet's gates squeeze to a quarter of
// the depthwise convolution's channels; MobileNetV2's to a 24th of them, which is
// what the published number of parameters says.
func (a ablation) network(family string, of [][3]int) (*blocks.Network, error) {
	b := blocks.NewBuilder(a.id, blocks.Shape{H: 224, W: 224, C: 3})
	lc := family == "pplcnet"
	stemWidth, squeeze := 32, 24
	if lc {
		stemWidth, squeeze = 16, 4
	}
	channels := func(c int) int { return blocks.MakeDivisible(a.width*float64(c), 8) }
	stem := blocks.ConvBNAct{Out: channels(stemWidth), Kernel: 3, Stride: 2, Act: a.act}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	stage := 0
	for i, s := range of {
		if s[1] == 2 || stage == 0 {
			stage++
		}
		k, gated := 3+2*int(a.k5[i]-'0'), a.se[i] == '1'
		expanded := max(s[2], 1) * b.Shape(x).C
		var gate *blocks.SqueezeExcite
		if gated {
			gate = &blocks.SqueezeExcite{Hidden: max(1, expanded/squeeze), Gate: blocks.HSigmoid}
		}
		b.Mark(stage, i+1)
		var block blocks.Block = blocks.InvertedResidual{Out: channels(s[0]), Expanded: expanded, Kernel: k, Stride: s[1],
			Act: a.act, SE: gate}
		if lc {
			block = blocks.DepthwiseSeparable{Out: channels(s[0]), Kernel: k, Stride: s[1], Act: a.act, SE: gate}
		}
		x = blocks.Named{Name: fmt.Sprintf("block%d", i+1), Block: block}.Build(b, x)
	}
	b.Mark(stage+1, 0)
	if lc {
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		x = b.Act(a.act, b.Apply("last", &blocks.Conv{Out: 1280, Kernel: [2]int{1, 1}}, x))
	} else {
		x = blocks.Named{Name: "head", Block: blocks.ConvBNAct{Out: 1280, Act: a.act}}.Build(b, x)
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	}
	b.Apply("classifier", &blocks.Linear{Out: 1000, Bias: true}, x)
	return b.Network()
}
