package blocks

import "slices"

// Counts are the closed-form costs of a network for one image.
type Counts struct {
	MACs   int64 // multiply-accumulates of convolutions and linear layers
	Params int64 // trainable parameters
	// PeakActivations is the largest number of values that must be alive at once when the ops run in
	// network order: at each op, its output and the tensors that are still needed. Batch normalisation
	// and activations work in place if no other op reads their input. The peak activation memory is
	// this number times the bytes per value.
	PeakActivations int64
}

// Counts returns the network's totals.
func (n *Network) Counts() Counts {
	var c Counts
	var buf [8]Shape
	in := buf[:0]
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		in = in[:0]
		for _, j := range nd.Inputs {
			in = append(in, n.Nodes[j].Shape)
		}
		c.MACs += nd.Op.MACs(in)
		c.Params += n.ownParams(i, in)
	}
	c.PeakActivations = n.peakActivations()
	return c
}

func (n *Network) peakActivations() int64 {
	k := len(n.Nodes)
	all := make([]int, 5*k+1)
	readers, store, last, next, frees := all[:k], all[k:2*k], all[2*k:3*k], all[3*k:4*k], all[4*k:]
	for i := range n.Nodes {
		for _, j := range n.Nodes[i].Inputs {
			readers[j]++
		}
	}
	// store[i] is the node whose tensor holds i's output.
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		store[i] = i
		if _, ok := nd.Op.(InPlace); ok && readers[nd.Inputs[0]] == 1 && !slices.Contains(n.Outputs, nd.Inputs[0]) {
			store[i] = store[nd.Inputs[0]]
		}
		last[store[i]] = i
		for _, j := range nd.Inputs {
			last[store[j]] = i
		}
	}
	for _, i := range n.Returned() {
		last[store[i]] = k
	}
	// frees[i] heads the list of the nodes, plus 1, whose tensors i reads last.
	var alive, peak int64
	for i := range n.Nodes {
		if store[i] == i {
			alive += int64(n.Nodes[i].Shape.Elems())
			next[i], frees[last[i]] = frees[last[i]], i+1
		}
		peak = max(peak, alive)
		for j := frees[i]; j > 0; j = next[j-1] {
			alive -= int64(n.Nodes[j-1].Shape.Elems())
		}
	}
	return peak
}

// ReceptiveField returns the largest extent, vertical or horizontal, of the
// input region that one output value can see through sliding windows, not cut
// at the image border: r += (K-1) x dilation x jump, jump x= stride along the
// widest path (Araujo et al., Distill 2019). Ops that see the whole map at once
// (global pooling, linear) do not extend it further.
func (n *Network) ReceptiveField() int {
	type field struct{ r, jump [2]float64 }
	fs := make([]field, len(n.Nodes))
	for i, nd := range n.Nodes {
		f := field{[2]float64{1, 1}, [2]float64{1, 1}}
		for _, j := range nd.Inputs {
			for a := range 2 {
				f.r[a], f.jump[a] = max(f.r[a], fs[j].r[a]), max(f.jump[a], fs[j].jump[a])
			}
		}
		switch o := nd.Op.(type) {
		case Windowed:
			k, s, d := o.Window()
			for a := range 2 {
				f.r[a] += float64((k[a]-1)*d[a]) * f.jump[a]
				f.jump[a] *= float64(s[a])
			}
		case *Resize:
			in := n.Nodes[nd.Inputs[0]].Shape
			f.jump[0] *= float64(in.H) / float64(nd.Shape.H)
			f.jump[1] *= float64(in.W) / float64(nd.Shape.W)
		}
		fs[i] = f
	}
	r := 0.0
	for _, i := range n.Returned() {
		r = max(r, fs[i].r[0], fs[i].r[1])
	}
	return int(r)
}

// Layer is a row of a layer table.
type Layer struct {
	Name     string
	Op       string
	Kernel   [2]int // {0, 0} where there is no window
	Stride   [2]int
	Dilation [2]int
	Groups   int
	In, Out  Shape
	Params   int64
	MACs     int64
	Stage    int
	Block    int
}

// Layers returns one row for each node but the input. In is the shape of the
// first input. The rows' params and MACs add up to [Network.Counts].
func (n *Network) Layers() []Layer {
	rows := make([]Layer, 0, len(n.Nodes))
	for i, nd := range n.Nodes {
		if i == 0 {
			continue
		}
		in := n.InShapes(i)
		l := Layer{Name: nd.Name, Op: nd.Op.Kind(), Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1,
			In: in[0], Out: nd.Shape, Params: n.ownParams(i, in), MACs: nd.Op.MACs(in),
			Stage: nd.Stage, Block: nd.Block}
		if w, ok := nd.Op.(Windowed); ok {
			l.Kernel, l.Stride, l.Dilation = w.Window()
		}
		if c, ok := nd.Op.(interface{ G() int }); ok {
			l.Groups = c.G()
		}
		rows = append(rows, l)
	}
	return rows
}
