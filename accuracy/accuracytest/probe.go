package accuracytest

import (
	"fmt"

	"nas/accuracy"
	"nas/blocks"
)

// probe is a small classifier of inverted residuals. Two probes that differ in one
// field differ in one trait.
type probe struct {
	resolution, width, depth, kernel, expansion, dilation int
	se                                                    bool
	act                                                   blocks.ActFunc
}

func plain() probe {
	return probe{resolution: 128, width: 8, depth: 2, kernel: 3, expansion: 3, dilation: 1, act: blocks.ReLU}
}

// with returns p with more of a trait.
func (p probe) with(t accuracy.Trait) probe {
	switch t {
	case accuracy.SE:
		p.se = true
	case accuracy.Activation:
		p.act = blocks.HSwish
	case accuracy.Dilation:
		p.dilation++
	case accuracy.KernelSize:
		p.kernel += 2
	case accuracy.Expansion:
		p.expansion++
	case accuracy.Resolution:
		p.resolution += 32
	case accuracy.Width:
		p.width *= 2
	case accuracy.Depth:
		p.depth++
	}
	return p
}

// network builds the probe: a stem, four stages that halve the map and a head.
func (p probe) network() (*blocks.Network, error) {
	b := blocks.NewBuilder(fmt.Sprintf("probe %+v", p), blocks.Shape{H: p.resolution, W: p.resolution, C: 3})
	stem := blocks.ConvBNAct{Out: p.width, Kernel: 3, Stride: 2, Act: p.act}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	for s := range 4 {
		for l := range p.depth {
			b.Mark(s+1, l+1)
			m := blocks.InvertedResidual{
				Out: p.width * (s + 1), Expanded: p.expansion * b.Shape(x).C, Kernel: p.kernel, Act: p.act, Dilation: p.dilation,
			}
			if l == 0 {
				m.Stride, m.Dilation = 2, 0 // with both it would skip rows
			}
			if p.se {
				m.SE = &blocks.SqueezeExcite{Hidden: p.width}
			}
			x = blocks.Named{Name: fmt.Sprintf("stage%d.block%d", s+1, l+1), Block: m}.Build(b, x)
		}
	}
	b.Mark(5, 0)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 1000, Bias: true}, x)
	return b.Network()
}

// cut returns the blocks of a probe's network, each as a network whose input is what
// the block reads.
func cut(n *blocks.Network) []*blocks.Network {
	var chain []*blocks.Network
	for from := 1; from < len(n.Nodes); {
		to := from
		for to < len(n.Nodes) && n.Nodes[to].Stage == n.Nodes[from].Stage && n.Nodes[to].Block == n.Nodes[from].Block {
			to++
		}
		in := n.Nodes[from-1].Shape
		b := &blocks.Network{Name: n.Name, Nodes: []blocks.Node{{Name: "input", Op: &blocks.Input{Shape: in}, Shape: in}}}
		for _, nd := range n.Nodes[from:to] {
			inputs := make([]int, len(nd.Inputs))
			for k, j := range nd.Inputs {
				inputs[k] = j - from + 1
			}
			nd.Inputs = inputs
			b.Nodes = append(b.Nodes, nd)
		}
		chain = append(chain, b)
		from = to
	}
	return chain
}
