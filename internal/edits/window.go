package edits

import (
	"fmt"

	"nas/blocks"
)

// kernels are convolutions whose square kernel of 5 or more may be a smaller one.
func kernels(g *graph) (sites []site) {
	for _, i := range g.convs() {
		c, _ := g.conv(i)
		k := c.Kernel[0]
		if k != c.Kernel[1] || k < 5 || k%2 == 0 {
			continue
		}
		for to := 3; to < k; to += 2 {
			if _, ok := shrunk(c, to, 0); ok {
				sites = append(sites, site{i, fmt.Sprint(to), "", fmt.Sprintf("%dx%d -> %dx%d", k, k, to, to),
					func(d *draft) { d.ops[i], _ = shrunk(d.conv(i), to, 0) }})
			}
		}
	}
	return sites
}

// dilations are convolutions with spread taps, which may stand side by side.
func dilations(g *graph) (sites []site) {
	for _, i := range g.convs() {
		c, _ := g.conv(i)
		_, _, spread := c.Window()
		if _, ok := shrunk(c, c.Kernel[0], 1); ok && spread[0] > 1 && spread[0] == spread[1] {
			sites = append(sites, site{i, "", "", fmt.Sprintf("dilation %d -> 1", spread[0]),
				func(d *draft) { d.ops[i], _ = shrunk(d.conv(i), c.Kernel[0], 1) }})
		}
	}
	return sites
}

// shrunk returns the convolution with a smaller kernel or dilation (0: its own) round the same centres. It is not ok
// where the padding is too small for that.
func shrunk(c *blocks.Conv, kernel, dilation int) (*blocks.Conv, bool) {
	out := *c
	_, _, spread := c.Window()
	if dilation == 0 {
		dilation = spread[0]
	}
	less := (spread[0]*(c.Kernel[0]-1) - dilation*(kernel-1)) / 2
	out.Kernel, out.Dilation = [2]int{kernel, kernel}, [2]int{dilation, dilation}
	out.Pad = blocks.Pad{
		Top: c.Pad.Top - less, Left: c.Pad.Left - less, Bottom: c.Pad.Bottom - less, Right: c.Pad.Right - less,
	}
	p := out.Pad
	return &out, c.Kernel[0] == c.Kernel[1] && spread[0] == spread[1] && min(p.Top, p.Left, p.Bottom, p.Right) >= 0
}

// strides are convolutions with stride 2 whose stride an earlier one could have: the maps between both are then a
// quarter. The earlier one is the first of its network behind the stride before, for which the maps still fit.
func strides(g *graph) (sites []site) {
	from := 0
	for _, i := range g.convs() {
		c, _ := g.conv(i)
		_, s, spread := c.Window()
		if s != [2]int{2, 2} || spread != [2]int{1, 1} || c.Kernel[0] < 3 || c.Kernel[0]%2 == 0 {
			continue
		}
		move := func(d *draft, j int) {
			d.conv(j).Stride = [2]int{2, 2}
			late := d.conv(i)
			late.Stride, late.Pad = [2]int{1, 1}, blocks.PadSame(late.Kernel[0], late.Kernel[1], 1)
		}
		for _, j := range g.convs() {
			early, _ := g.conv(j)
			_, s, spread := early.Window()
			if j <= from || j >= i || early.Pointwise() || s != [2]int{1, 1} || spread != [2]int{1, 1} ||
				g.Nodes[i].Shape.Pixels()*3 > g.Nodes[j].Shape.Pixels() || g.Nodes[j].Stage >= g.Nodes[i].Stage {
				continue
			}
			d := newDraft(g.Network)
			move(d, j)
			if n, err := d.network(); err != nil || n.Output() != g.Output() {
				continue
			}
			what := fmt.Sprintf("stride 2 already in %s, not only", placesOf(g.Network, []int{j}))
			sites = append(sites, site{i, "", "", what, func(d *draft) { move(d, j) }})
			break
		}
		from = i
	}
	return sites
}
