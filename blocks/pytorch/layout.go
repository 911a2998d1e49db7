package pytorch

import "nas/blocks"

// A tensorForm says how one tensor of an op is stored in PyTorch.
type tensorForm struct {
	name  string
	shape []int
	// from are the extents of our layout, order the axes of it in PyTorch's
	// order; nil where both are the same.
	from, order []int
}

// tensorForms returns the tensors of node i in the order of its op's params.
func (g *graph) tensorForms(i int) []tensorForm {
	in := g.net.InShapes(i)
	var fs []tensorForm
	for _, p := range g.net.Params(i) {
		f := tensorForm{name: p.Name, shape: p.Dims}
		if layout, ok := layouts[g.net.Nodes[i].Op.Kind()+"."+p.Name]; ok {
			layout(&f, in)
		}
		fs = append(fs, f)
	}
	return fs
}

// layouts are the tensors that PyTorch stores in another way or by another name.
var layouts = map[string]func(f *tensorForm, in []blocks.Shape){
	"bn.scale":    rename("weight"),
	"bn.shift":    rename("bias"),
	"bn.mean":     rename("running_mean"),
	"bn.variance": rename("running_var"),
	"conv.weight": func(f *tensorForm, _ []blocks.Shape) { f.permute(3, 2, 0, 1) },
	"cond_conv.weight": func(f *tensorForm, _ []blocks.Shape) {
		f.permute(0, 4, 3, 1, 2)
	},
	"channel_conv.weight": func(f *tensorForm, _ []blocks.Shape) { f.shape = []int{1, 1, f.shape[0]} },
	"linear.weight": func(f *tensorForm, in []blocks.Shape) {
		out := f.shape[1]
		f.shape = []int{in[0].H, in[0].W, in[0].C, out}
		f.permute(3, 2, 0, 1)
		f.shape = []int{out, in[0].Elems()}
	},
}

func rename(name string) func(*tensorForm, []blocks.Shape) {
	return func(f *tensorForm, _ []blocks.Shape) { f.name = name }
}

// permute sets the axes of f.shape, which is ours, in PyTorch's order.
func (f *tensorForm) permute(order ...int) {
	f.from, f.order = f.shape, order
	f.shape = make([]int, len(order))
	for k, a := range order {
		f.shape[k] = f.from[a]
	}
}

// visit calls do for each value of the tensor, in PyTorch's order, with its index in that order
// and in the layout of package blocks.
func (f *tensorForm) visit(do func(theirs, ours int)) {
	if f.order == nil {
		for k := range f.len() {
			do(k, k)
		}
		return
	}
	n := len(f.from)
	strides := make([]int, n)
	for a, s := n-1, 1; a >= 0; a-- {
		strides[a] = s
		s *= f.from[a]
	}
	at := make([]int, n) // position along each axis, in PyTorch's order
	ours := 0
	for k := range f.len() {
		do(k, ours)
		for a := n - 1; a >= 0; a-- {
			axis := f.order[a]
			at[a]++
			ours += strides[axis]
			if at[a] < f.from[axis] {
				break
			}
			ours -= at[a] * strides[axis]
			at[a] = 0
		}
	}
}

func (f *tensorForm) len() int {
	n := 1
	for _, d := range f.shape {
		n *= d
	}
	return n
}
