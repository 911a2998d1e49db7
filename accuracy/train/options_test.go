package train

import (
	"fmt"
	"reflect"
	"testing"

	"nas/blocks"
)

// singles are networks of one op each between a convolution, which the gradient by the op's input reaches, and a
// classifier: every op that can be trained, with every option.
func singles(t *testing.T) map[string]*blocks.Network {
	t.Helper()
	out := map[string]*blocks.Network{}
	add := func(name string, in blocks.Shape, build func(b *blocks.Builder, x blocks.Value) blocks.Value) {
		b := blocks.NewBuilder(name, in)
		x := b.Apply("before", &blocks.Conv{Out: in.C, Kernel: [2]int{1, 1}, Bias: true}, b.Input())
		b.Apply("behind", &blocks.Linear{Out: 4, Bias: true}, build(b, x))
		n, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		out[name] = n
	}
	small, vector := blocks.Shape{H: 5, W: 6, C: 4}, blocks.Shape{H: 1, W: 1, C: 7}
	one := func(in blocks.Shape, ops ...blocks.Op) {
		for _, op := range ops {
			name := fmt.Sprintf("%s%+v", op.Kind(), reflect.ValueOf(op).Elem())
			add(name, in, func(b *blocks.Builder, x blocks.Value) blocks.Value { return b.Apply("op", op, x) })
		}
	}
	one(small, convOps()...)
	one(small, poolOps()...)
	one(small, resizeOps()...)
	one(small, &blocks.Linear{Out: 5}, &blocks.Linear{Out: 3, Bias: true}, &blocks.SumPixels{}, &blocks.Concat{},
		&blocks.Stack{}, &blocks.BatchNorm{}, &blocks.BatchNorm{Epsilon: 0.1}, &blocks.ChannelShuffle{Groups: 2},
		&blocks.ChannelShuffle{Groups: 4}, &blocks.ChannelSlice{From: 0, To: 3}, &blocks.ChannelSlice{From: 1, To: 2},
		&blocks.Select{Channels: []int{3, 1, 1, 0, 2}}, &blocks.Select{Channels: []int{2}})
	one(vector, &blocks.ChannelConv{Kernel: 1}, &blocks.ChannelConv{Kernel: 3}, &blocks.ChannelConv{Kernel: 9},
		&blocks.Linear{Out: 5, Bias: true}, &blocks.BatchNorm{})
	for f := range activations {
		one(small, &blocks.Activation{Func: f})
		add("bn "+f.String(), small, func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("act", &blocks.Activation{Func: f}, b.Apply("bn", &blocks.BatchNorm{}, x))
		})
	}
	joined(add)
	b := blocks.NewBuilder("softmax", vector)
	b.Apply("softmax", &blocks.Softmax{}, b.Apply("before", &blocks.Linear{Out: 4}, b.Input()))
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	out["softmax"] = n
	add("shared", small, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		for i := range 2 {
			x = b.Apply(fmt.Sprint(i), &blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Bias: true}, x)
		}
		return x
	})
	out["shared"].Nodes[3].Shared = []int{2, 0} // the weights are those of the first, the bias is its own
	return out
}

func convOps() []blocks.Op {
	return []blocks.Op{
		&blocks.Conv{Out: 5, Kernel: [2]int{1, 1}},
		&blocks.Conv{Out: 5, Kernel: [2]int{1, 1}, Stride: [2]int{2, 2}, Bias: true},
		&blocks.Conv{Out: 6, Kernel: [2]int{1, 1}, Groups: 2},
		&blocks.Conv{Out: 5, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Bias: true},
		&blocks.Conv{Out: 5, Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Pad: blocks.Pad{Top: 1, Right: 1}},
		&blocks.Conv{Out: 5, Kernel: [2]int{2, 5}, Stride: [2]int{1, 2}, Pad: blocks.Pad{Left: 3, Bottom: 1}},
		&blocks.Conv{Out: 3, Kernel: [2]int{3, 3}, Dilation: [2]int{2, 2}, Pad: blocks.PadAll(2)},
		&blocks.Conv{Out: 3, Kernel: [2]int{3, 3}, Dilation: [2]int{1, 2}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(1)},
		&blocks.Conv{Out: 6, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Groups: 2, Bias: true},
		&blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Groups: 4, Bias: true},
		&blocks.Conv{Out: 4, Kernel: [2]int{5, 5}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(2), Groups: 4},
		&blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Dilation: [2]int{2, 2}, Pad: blocks.PadAll(2), Groups: 4},
		&blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Groups: 4},
	}
}

func poolOps() []blocks.Op {
	var all []blocks.Op
	for _, kind := range []blocks.PoolKind{blocks.MaxPool, blocks.AvgPool} {
		all = append(all,
			&blocks.Pool{Pool: kind, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}},
			&blocks.Pool{Pool: kind, Kernel: [2]int{3, 2}, Stride: [2]int{1, 2}, Pad: blocks.Pad{Top: 2, Right: 1}},
			&blocks.Pool{Pool: kind, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.Pad{Bottom: 1, Left: 1},
				Ceil: true},
			&blocks.Pool{Pool: kind, Kernel: [2]int{2, 3}, Dilation: [2]int{2, 2}, Pad: blocks.PadAll(1)},
			&blocks.GlobalPool{Pool: kind}, &blocks.ChannelPool{Pool: kind})
	}
	return append(all,
		&blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), CountPad: true},
		&blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(1), Ceil: true,
			CountPad: true})
}

func resizeOps() []blocks.Op {
	var all []blocks.Op
	for _, size := range [][2]int{{9, 13}, {3, 2}, {5, 6}, {1, 12}} {
		all = append(all, &blocks.Resize{H: size[0], W: size[1]},
			&blocks.Resize{H: size[0], W: size[1], AlignCorners: true},
			&blocks.Resize{H: size[0], W: size[1], Mode: blocks.Nearest})
	}
	return all
}

// joined adds the ops of several inputs.
func joined(add func(name string, in blocks.Shape, build func(b *blocks.Builder, x blocks.Value) blocks.Value)) {
	small := blocks.Shape{H: 3, W: 4, C: 3}
	conv := func(b *blocks.Builder, out int, x blocks.Value) blocks.Value {
		return b.Apply("branch", &blocks.Conv{Out: out, Kernel: [2]int{1, 1}}, x)
	}
	for _, c := range []struct {
		name  string
		op    blocks.Op
		build func(b *blocks.Builder, x blocks.Value) []blocks.Value
	}{
		{"add", &blocks.Add{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value {
			return []blocks.Value{x, conv(b, 3, x)}
		}},
		{"add of three", &blocks.Add{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value {
			return []blocks.Value{conv(b, 3, x), x, x}
		}},
		{"mul", &blocks.Mul{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value {
			return []blocks.Value{conv(b, 3, x), x}
		}},
		{"square", &blocks.Mul{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value { return []blocks.Value{x, x} }},
		{"mul by a vector", &blocks.Mul{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value {
			return []blocks.Value{x, b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)}
		}},
		{"mul by a map", &blocks.Mul{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value {
			return []blocks.Value{x, conv(b, 1, x)}
		}},
		{"concat", &blocks.Concat{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value {
			return []blocks.Value{x, conv(b, 2, x), x}
		}},
		{"stack", &blocks.Stack{}, func(b *blocks.Builder, x blocks.Value) []blocks.Value {
			return []blocks.Value{conv(b, 3, x), x, b.Apply("pool", &blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{2, 1}}, x)}
		}},
	} {
		add(c.name, small, func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("op", c.op, c.build(b, x)...)
		})
	}
}

// TestEveryOption wants each op that can be trained, and at least two values of each of its options, among the networks
// whose gradients are tested.
func TestEveryOption(t *testing.T) {
	values := map[string]map[any]bool{} // by op and field
	var note func(name string, v reflect.Value)
	note = func(name string, v reflect.Value) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				note(name+"."+v.Type().Field(i).Name, v.Field(i))
			}
			return
		}
		if values[name] == nil {
			values[name] = map[any]bool{}
		}
		values[name][fmt.Sprint(v)] = true
	}
	kinds := map[string]bool{}
	for _, n := range singles(t) {
		for _, nd := range n.Nodes[1:] {
			kinds[nd.Op.Kind()] = true
			if lowerings[nd.Op.Kind()] != nil {
				note(nd.Op.Kind(), reflect.ValueOf(nd.Op).Elem())
			}
		}
	}
	for k := range lowerings {
		if !kinds[k] {
			t.Errorf("no network has op %q", k)
		}
	}
	for name, seen := range values {
		if len(seen) < 2 {
			t.Errorf("%s has no other value than %v", name, seen)
		}
	}
}
