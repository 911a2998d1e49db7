package onnx

import (
	"errors"
	"fmt"
	"slices"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"Concat":       {attrs: "axis", in: anyInputs, fold: foldConcat, apply: readConcat},
		"Split":        {attrs: "axis split num_outputs", in: [2]int{1, 2}, out: many, fold: foldSplit, apply: readSplit},
		"Slice":        {attrs: "axes ends starts", in: [2]int{1, 5}, fold: foldSlice, apply: readSlice},
		"Gather":       {attrs: "axis", in: twoInputs, fold: foldGather, apply: readGather},
		"Transpose":    {attrs: "perm", in: oneInput, fold: foldTranspose, apply: readTranspose},
		"Reshape":      {attrs: "allowzero shape", in: [2]int{1, 2}, fold: viewed(reshaped), apply: readView(reshaped)},
		"Flatten":      {attrs: "axis", in: oneInput, fold: viewed(flattened), apply: readView(flattened)},
		"Squeeze":      {attrs: "axes", in: [2]int{1, 2}, fold: viewed(squeezed), apply: readView(squeezed)},
		"Unsqueeze":    {attrs: "axes", in: [2]int{1, 2}, fold: viewed(unsqueezed), apply: readView(unsqueezed)},
		"Expand":       {in: twoInputs, fold: foldExpand, apply: readExpand},
		"Tile":         {in: twoInputs, fold: foldTile, apply: readTile},
		"DepthToSpace": {attrs: "blocksize mode", in: oneInput, apply: readDepthToSpace},
		"SpaceToDepth": {attrs: "blocksize", in: oneInput, apply: readSpaceToDepth},
	})
}

// Operators that join, cut or rearrange.

func readConcat(r *reader, c call) ([]*value, error) {
	vs, err := r.activations(c)
	if err != nil || len(vs) == 1 {
		return vs, err
	}
	rank := vs[0].rank()
	axis, err := oneAxis(c.intAttr("axis", 1), rank)
	if err != nil {
		return nil, err
	}
	total, ext := 0, vs[0].extents()
	for _, v := range vs {
		if v.rank() != rank {
			return nil, errors.New("of tensors of different rank")
		}
		if axis == 0 && v.axes[0].batched() {
			return nil, errBatch
		}
		for k, n := range v.extents() {
			if k != axis && n != ext[k] {
				return nil, fmt.Errorf("of %v and %v along axis %d", short(ext), short(v.extents()), axis)
			}
		}
		total += v.extents()[axis]
	}
	h, w, ch, last := r.joinedLayout(vs[0], axis)
	var op blocks.Op = &blocks.Stack{}
	if last {
		op = &blocks.Concat{}
	}
	nodes := make([]int, len(vs))
	var laid *value
	for i, v := range vs {
		if laid, err = r.lay(v, h, w, ch); err != nil {
			return nil, err
		}
		nodes[i] = laid.node
	}
	node, err := r.add("", op, nil, nodes...)
	if err != nil {
		return nil, err
	}
	return []*value{r.relaid(laid, node, slices.Concat(h, w, ch), axis, total)}, nil
}

// activations returns all inputs as plain activations, without empty ones.
func (r *reader) activations(c call) (vs []*value, err error) {
	for _, v := range c.in {
		switch {
		case v == nil:
			return nil, errors.New("an input is missing")
		case v.k != nil && v.k.len() == 0:
			continue
		case v.k != nil:
			v, err = r.constant(v.k)
		default:
			v, err = r.plain(v)
		}
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// joinedLayout is how tensors like v are laid out to be joined along an axis: as
// channels, where the axis lies there or near, else below each other.
func (r *reader) joinedLayout(v *value, axis int) (h, w, c []int, channels bool) {
	rank, whole := v.rank(), v.order()
	channels = whole[rank-1] == axis || rank == 4 && axis == 1 && r.isCHW(v) || rank == 2
	others := slices.DeleteFunc(v.order(), func(k int) bool {
		return k == axis || k == 0 && len(v.axes[0]) == len(v.batch())
	})
	n := len(others)
	if channels {
		return others[:max(0, n-1)], others[max(0, n-1):], []int{axis}, true
	}
	h = append([]int{axis}, others[:max(0, n-2)]...)
	return h, others[max(0, n-2):max(0, n-1)], others[max(0, n-1):], false
}

func readSplit(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	axis, sizes, err := c.split(v.extents())
	if err != nil {
		return nil, err
	}
	outs := make([]*value, 0, len(c.out))
	at := 0
	for _, n := range sizes[:len(c.out)] {
		o, err := r.cut(v, axis, at, n, 1)
		if err != nil {
			return nil, err
		}
		if err := r.charge(300); err != nil {
			return nil, err
		}
		at += n
		outs = append(outs, o)
	}
	return outs, nil
}

func readSlice(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	spans, err := c.spans(v.extents())
	if err != nil {
		return nil, err
	}
	for _, s := range spans {
		if v, err = r.cut(v, s.axis, s.first, s.n, s.step); err != nil {
			return nil, err
		}
	}
	return []*value{v}, nil
}

func readGather(r *reader, c call) ([]*value, error) {
	v := c.arg(0)
	if v == nil {
		return nil, errors.New("input 0 is missing")
	}
	if v.k != nil {
		return nil, errors.New("its indices are computed: this program reads constant ones")
	}
	if c.arg(1) == nil || c.arg(1).k == nil {
		return nil, errors.New("its indices are computed: this program reads constant ones")
	}
	index := c.arg(1).k
	if index.isFloat() || index.len() == 0 {
		return nil, errors.New("its indices must be integers, at least one")
	}
	axis, err := oneAxis(c.intAttr("axis", 0), v.rank())
	if err != nil {
		return nil, err
	}
	n := v.extents()[axis]
	list := make([]int, index.len())
	for i, k := range index.i {
		if k < 0 {
			k += int64(n)
		}
		if k < 0 || k >= int64(n) {
			return nil, fmt.Errorf("element %d of %d", k, n)
		}
		list[i] = int(k)
	}
	step := 1
	if len(list) > 1 {
		step = list[1] - list[0]
	}
	even := step != 0
	for i := range list {
		even = even && list[i] == list[0]+i*step
	}
	dims := slices.Concat(v.extents()[:axis], index.dims, v.extents()[axis+1:])
	if even {
		out, err := r.cut(v, axis, list[0], len(list), step)
		if err != nil {
			return nil, err
		}
		return one(r.reshape(out, dims))
	}
	if axis == 0 && v.axes[0].batched() {
		return nil, errBatch
	}
	p, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	order := slices.DeleteFunc(p.order(), func(k int) bool { return k == axis })
	m := len(order)
	h, w := order[:max(0, m-1)], order[max(0, m-1):]
	if p, err = r.lay(p, h, w, []int{axis}); err != nil {
		return nil, err
	}
	node, err := r.add("", &blocks.Select{Channels: list}, nil, p.node)
	if err != nil {
		return nil, err
	}
	return one(r.reshape(r.relaid(p, node, slices.Concat(h, w, []int{axis}), axis, len(list)), dims))
}

func readTranspose(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	perm, err := c.permutation(v.rank())
	if err != nil {
		return nil, err
	}
	if len(v.axes) > 0 && v.axes[0].batched() && perm[0] != 0 {
		return nil, errBatch
	}
	return []*value{transposed(v, perm)}, nil
}

// readView reads an operator that only changes the dims, as newDims says.
func readView(newDims func(c call, dims []int) ([]int, error)) apply {
	return func(r *reader, c call) ([]*value, error) {
		v, err := c.activation(0)
		if err != nil {
			return nil, err
		}
		dims, err := newDims(c, v.extents())
		if err != nil {
			return nil, err
		}
		return one(r.reshape(v, dims))
	}
}

func readExpand(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	to, err := c.ints(1)
	if err != nil {
		return nil, err
	}
	dims, err := broadcastDims(v.extents(), to)
	if err != nil || slices.Equal(dims, v.extents()) {
		return []*value{v}, err
	}
	if v.axes[0].batched() && len(dims) != v.rank() {
		return nil, errBatch
	}
	if elems(dims) < 0 {
		return nil, fmt.Errorf("to %v", short(dims))
	}
	return one(r.stretched(v, dims))
}

func readTile(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	times, err := c.ints(1)
	if err != nil {
		return nil, err
	}
	if len(times) != v.rank() || len(times) == 0 || slices.Min(times) < 1 || slices.Max(times) > 1<<20 {
		return nil, fmt.Errorf("by %v of rank %d", short(times), v.rank())
	}
	if v, err = r.plain(v); err != nil {
		return nil, err
	}
	w := *v
	w.axes, w.laid, w.done = make([]axis, len(times)), nil, nil
	for i, n := range times {
		w.axes[i] = v.axes[i]
		if n > 1 {
			if v.axes[i].batched() {
				return nil, errBatch
			}
			w.axes[i] = join(append(axis{{N: n, Step: 0}}, v.axes[i]...))
		}
	}
	if elems(w.extents()) < 0 {
		return nil, fmt.Errorf("to %v", short(w.extents()))
	}
	return []*value{&w}, nil
}

// regrouped reshapes, transposes and reshapes.
func (r *reader) regrouped(v *value, split, perm, joined []int) ([]*value, error) {
	v, err := r.reshape(v, split)
	if err != nil {
		return nil, err
	}
	return one(r.reshape(transposed(v, perm), joined))
}

func (c call) blockSize(v *value) (b int, d []int, err error) {
	b, d = c.intAttr("blocksize", 0), v.extents()
	if len(d) != 4 || b < 1 || b > 1<<15 {
		return 0, nil, fmt.Errorf("by %d of rank %d", b, len(d))
	}
	return b, d, nil
}

func readDepthToSpace(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	b, d, err := c.blockSize(v)
	if err != nil {
		return nil, err
	}
	if d[1]%(b*b) != 0 {
		return nil, fmt.Errorf("of %d channels by %d", d[1], b)
	}
	n, ch, h, w := d[0], d[1]/(b*b), d[2], d[3]
	joined := []int{n, ch, h * b, w * b}
	switch mode := c.textAttr("mode", "DCR"); mode {
	case "DCR":
		return r.regrouped(v, []int{n, b, b, ch, h, w}, []int{0, 3, 4, 1, 5, 2}, joined)
	case "CRD":
		return r.regrouped(v, []int{n, ch, b, b, h, w}, []int{0, 1, 4, 2, 5, 3}, joined)
	default:
		return nil, fmt.Errorf("of mode %.40q", mode)
	}
}

func readSpaceToDepth(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	b, d, err := c.blockSize(v)
	if err != nil {
		return nil, err
	}
	if d[2]%b != 0 || d[3]%b != 0 {
		return nil, fmt.Errorf("of %v by %d", short(d), b)
	}
	n, ch, h, w := d[0], d[1], d[2]/b, d[3]/b
	return r.regrouped(v, []int{n, ch, h, b, w, b}, []int{0, 3, 5, 1, 2, 4}, []int{n, ch * b * b, h, w})
}
