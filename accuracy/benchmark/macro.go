package benchmark

import (
	"fmt"

	"nas/blocks"
	"nas/internal/fault"
)

func init() { benchmarks["macro"] = macroBenchmark }

// macroBenchmark is NAS-Bench-Macro (Su et al., Prioritized Architecture
// Sampling with Monto-Carlo Tree Search, CVPR 2021): MobileNetV2-like networks
// trained on CIFAR-10, three seeds each. The table lists a network once for each order
// of its identity layers; one of these rows is kept.
func macroBenchmark() (*Benchmark, error) {
	t, err := embeddedTable("nasbench_macro_cifar10.csv")
	if err != nil {
		return nil, err
	}
	b := &Benchmark{Name: "macro", Source: "NAS-Bench-Macro: CIFAR-10, 50 epochs, mean of 3 runs"}
	seen := make(map[string]bool)
	for _, row := range t.Rows {
		id := row.Text("canonical")
		if seen[id] {
			continue
		}
		seen[id] = true
		r := Row{ID: id, Truth: row.Float("mean_acc"), Params: row.Int("params"), MACs: row.Int("macs")}
		if err := row.Err(); err != nil {
			return nil, fault.Errorf("accuracy: %w", err)
		}
		if r.Network, err = MacroNetwork(id); err != nil {
			return nil, err
		}
		b.Rows = append(b.Rows, r)
	}
	return b, nil
}

// macroStages are the numbers of searched layers of the stages.
var macroStages = []int{2, 3, 3}

// MacroNetwork builds the network of NAS-Bench-Macro that eight digits name: 0
// identity, 1 inverted residual with expansion 3 and kernel size 3, 2 with
// expansion 6 and kernel size 5. Input 32x32x3, 10 classes. The benchmark counts
// no bias in its MACs, nor does this program.
func MacroNetwork(digits string) (*blocks.Network, error) {
	if len(digits) != 8 {
		return nil, fault.Errorf("accuracy: macro network %q: want 8 digits of 0, 1 or 2", digits)
	}
	b := blocks.NewBuilder("macro-"+digits, blocks.Shape{H: 32, W: 32, C: 3})
	stem := blocks.ConvBNAct{Out: 32, Kernel: 3, Act: blocks.ReLU}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	i := 0
	for s, layers := range macroStages {
		for l := range layers {
			out, stride := 64<<s, 1
			if l == 0 {
				stride = 2
			}
			b.Mark(s+1, l+1)
			var block blocks.Block
			switch d := digits[i]; {
			case d == '0' && stride == 2:
				block = blocks.ConvBNAct{Out: out, Stride: 2}
			case d == '0':
			case d == '1' || d == '2':
				k, e := 2*int(d-'0')+1, 3*int(d-'0')
				block = blocks.InvertedResidual{Out: out, Expanded: e * b.Shape(x).C, Kernel: k, Stride: stride, Act: blocks.ReLU}
			default:
				return nil, fault.Errorf("accuracy: macro network %q: want 8 digits of 0, 1 or 2", digits)
			}
			if block != nil {
				x = blocks.Named{Name: fmt.Sprintf("stage%d.block%d", s+1, l+1), Block: block}.Build(b, x)
			}
			i++
		}
	}
	b.Mark(len(macroStages)+1, 0)
	x = blocks.Named{Name: "head", Block: blocks.ConvBNAct{Out: 1280, Act: blocks.ReLU}}.Build(b, x)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 10, Bias: true}, x)
	return b.Network()
}
