package edits

import (
	"fmt"

	"nas/blocks"
)

// leastDense is the least number of input channels of a convolution for which a separable one can stand: one of the
// three channels of an image would be too little.
const leastDense = 16

// denseConvolutions are those with a kernel above 1 and without groups. The edit puts a depthwise convolution of that
// kernel in front of a 1x1 convolution, as MobileNetV1 does (Howard et al., 2017). What stands behind the dense
// convolution, such as batch normalisation and its activation, stands behind both.
func denseConvolutions(g *graph) (sites []site) {
	for _, i := range g.convs() {
		c, in := g.conv(i)
		if c.Pointwise() || c.G() > 1 || in < leastDense || g.Nodes[i].Shared != nil {
			continue
		}
		what := fmt.Sprintf("depthwise and 1x1 for dense %dx%d", c.Kernel[0], c.Kernel[1])
		sites = append(sites, site{i, "", "", what, func(d *draft) {
			nd := d.n.Nodes[i]
			depthwise := *d.conv(i)
			depthwise.Out, depthwise.Groups = in, in
			*d.conv(i) = blocks.Conv{Out: depthwise.Out, Kernel: [2]int{1, 1}, Bias: depthwise.Bias}
			d.conv(i).Out = c.Out
			row := []blocks.Node{{Name: nd.Name + ".depthwise", Op: &depthwise, Stage: nd.Stage, Block: nd.Block}}
			for _, j := range g.behind(i) {
				if _, ok := g.Nodes[j].Op.(*blocks.Affine); ok {
					continue // its factors are those of this layer alone
				}
				row = append(row, blocks.Node{
					Name: g.Nodes[j].Name + ".depthwise", Op: g.Nodes[j].Op, Stage: nd.Stage, Block: nd.Block,
				})
			}
			d.before[i] = row
		}})
	}
	return sites
}
