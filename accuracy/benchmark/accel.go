package benchmark

import (
	"fmt"

	"nas/blocks"
	"nas/internal/fault"
)

func init() { benchmarks["accel"] = accelBenchmark }

// accelStages is the fixed skeleton of Accel-NASBench: seven stages of inverted
// residuals, that of MnasNet and EfficientNet-B0.
var accelStages = [7]struct{ out, stride int }{{16, 1}, {24, 2}, {40, 2}, {80, 2}, {112, 1}, {192, 2}, {320, 1}}

// accelStage is the choice of one stage.
type accelStage struct{ expansion, kernel, layers, se int }

// accelBenchmark is Accel-NASBench (Ahmad et al., Accel-NASBench: Sustainable
// Benchmarking for Accelerator-Aware NAS, DAC 2024): networks trained on ImageNet by
// a short recipe of 16 epochs. Ranks and differences of their accuracies mean
// something, the level does not.
func accelBenchmark() (*Benchmark, error) {
	t, err := embeddedTable("accel_nasbench_mnasnet_imagenet.csv")
	if err != nil {
		return nil, err
	}
	b := &Benchmark{Name: "accel", Source: "Accel-NASBench: ImageNet, 16-epoch recipe"}
	for _, row := range t.Rows {
		r := Row{ID: row.Text("id"), Truth: row.Float("val_top1"), Params: row.Int("params"), MACs: row.Int("macs_224")}
		var st [7]accelStage
		for s := range st {
			at := func(name string) int { return int(row.Int(fmt.Sprintf("b%d_%s", s, name))) }
			st[s] = accelStage{expansion: at("e"), kernel: at("k"), layers: at("l"), se: at("se")}
		}
		if err := row.Err(); err != nil {
			return nil, fault.Errorf("accuracy: %w", err)
		}
		if r.Network, err = accelNetwork(r.ID, st); err != nil {
			return nil, err
		}
		b.Rows = append(b.Rows, r)
	}
	return b, nil
}

// accelNetwork builds a network of Accel-NASBench at 224 x 224. Gates squeeze
// to a quarter of the block's input channels.
func accelNetwork(id string, st [7]accelStage) (*blocks.Network, error) {
	b := blocks.NewBuilder("accel-"+id, blocks.Shape{H: 224, W: 224, C: 3})
	stem := blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.ReLU}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	for s, c := range st {
		for l := range c.layers {
			in := b.Shape(x).C
			m := blocks.InvertedResidual{Out: accelStages[s].out, Expanded: blocks.MakeDivisible(float64(c.expansion*in), 8),
				Kernel: c.kernel, Act: blocks.ReLU}
			if l == 0 {
				m.Stride = accelStages[s].stride
			}
			if c.se != 0 {
				m.SE = &blocks.SqueezeExcite{Hidden: max(1, in/4)}
			}
			b.Mark(s+1, l+1)
			x = blocks.Named{Name: fmt.Sprintf("stage%d.block%d", s+1, l+1), Block: m}.Build(b, x)
		}
	}
	b.Mark(len(st)+1, 0)
	x = blocks.Named{Name: "head", Block: blocks.ConvBNAct{Out: 1280, Act: blocks.ReLU}}.Build(b, x)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 1000, Bias: true}, x)
	return b.Network()
}
