package engine

import (
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// tolerance is relative to the largest value of a tensor. The engine sums in
// float32 and the oracle in float64; the depth of the random networks multiplies
// the difference.
const tolerance = 2e-5

func target(isa string, threads int) Target {
	return Target{ISA: isa, L1: 32 << 10, L2: 1 << 20, L3: 32 << 20, Threads: threads}
}

// small has caches so small that blocks are fused in tiny networks too.
func small(isa string, threads int) Target {
	return Target{ISA: isa, L1: 1 << 10, L2: 2 << 10, L3: 8 << 10, Threads: threads}
}

func mustRun(t testing.TB, n *blocks.Network, w *blocks.Weights, tg Target, o Options, in []float32) []float32 {
	t.Helper()
	p, err := Compile(n, tg, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(w); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, p.OutLen())
	for i := range out {
		out[i] = float32(math.NaN())
	}
	for i := range p.arena {
		p.arena[i] = float32(math.NaN())
	}
	for range 2 { // the second run must not see what the first one left
		if err := p.Run(out, in); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func scaleOf(x []float32) float64 {
	m := 1e-30
	for _, v := range x {
		m = max(m, math.Abs(float64(v)))
	}
	return m
}

func near(t testing.TB, what string, got, want []float32, tol float64) {
	t.Helper()
	limit := tol * scaleOf(want)
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= limit) {
			t.Fatalf("%s: value %d is %v, want %v (off by %.2g, allowed %.2g)", what, i, got[i], want[i], d, limit)
		}
	}
}

func identical(t testing.TB, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && got[i] != want[i] {
			t.Fatalf("%s: value %d is %v, want the same as %v", what, i, got[i], want[i])
		}
	}
}

func oracle(t testing.TB, n *blocks.Network, w *blocks.Weights, in []float32, batch int) []float32 {
	t.Helper()
	var out []float32
	e := n.Input().Elems()
	for k := range batch {
		acts, err := n.Eval(w, in[k*e:][:e])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, acts[len(acts)-1].Data...)
	}
	return out
}

// TestRandomNetworks holds every op, every fusion and every placement against
// the reference, and all ways of running a plan against each other, to the bit.
func TestRandomNetworks(t *testing.T) {
	count := uint64(100)
	if testing.Short() {
		count = 30
	}
	units := map[string]bool{}
	for seed := range count {
		n := randomNet(t, seed)
		w := randomWeights(t, n, seed)
		const batch = 3
		in := noise(batch*n.Input().Elems(), seed)
		want := oracle(t, n, w, in, batch)
		for i, isa := range kernels.Supported() {
			if isa == "generic" && seed%5 != 0 {
				continue
			}
			name := n.Name + " " + isa
			got := mustRun(t, n, w, small(isa, 1), Options{Batch: batch}, in)
			near(t, name, got, want, tolerance)
			identical(t, name+" threads", mustRun(t, n, w, small(isa, 2+int(seed+uint64(i))%2), Options{Batch: batch}, in), got)
			identical(t, name+" unfused", mustRun(t, n, w, small(isa, 1), Options{Batch: batch, NoBlockFusion: true}, in), got)
			e, o := n.Input().Elems(), n.Output().Elems()
			for k := range batch {
				identical(t, name+" single", mustRun(t, n, w, target(isa, 1), Options{}, in[k*e:][:e]), got[k*o:][:o])
			}
		}
		p, err := Compile(n, small("avx2", 1), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Kernels() {
			units[c.Unit.Name] = true
		}
	}
	if !testing.Short() {
		for name := range routines {
			if !units[name] && name != "batchnorm" && !slices.Contains(outsideRoutines, name) {
				t.Errorf("no random network has a unit %s", name)
			}
		}
	}
}

// TestBatchStats compares with a batch normalisation computed here from the
// activations of all images.
func TestBatchStats(t *testing.T) {
	for seed := range uint64(20) {
		n := randomNet(t, 1000+seed)
		w := randomWeights(t, n, seed)
		const batch = 5
		e := n.Input().Elems()
		in := noise(batch*e, seed)
		acts := batchOracle(n, w, in, batch)
		var want []float32
		for _, a := range acts[len(acts)-1] {
			want = append(want, a.Data...)
		}
		for _, isa := range kernels.Supported() {
			got := mustRun(t, n, w, small(isa, 1), Options{Batch: batch, BatchStats: true}, in)
			near(t, n.Name+" "+isa, got, want, 20*tolerance) // channels of small variance magnify
			identical(t, n.Name+" threads", mustRun(t, n, w, small(isa, 2), Options{Batch: batch, BatchStats: true}, in), got)
		}
	}
}

// batchOracle evaluates a network with batch statistics: the activations of
// each node, image by image.
func batchOracle(n *blocks.Network, w *blocks.Weights, in []float32, batch int) [][]blocks.Tensor {
	acts := make([][]blocks.Tensor, len(n.Nodes))
	e := n.Input().Elems()
	for i, nd := range n.Nodes {
		acts[i] = make([]blocks.Tensor, batch)
		params := w.Node(i)
		if _, ok := nd.Op.(*blocks.BatchNorm); ok {
			src := acts[nd.Inputs[0]]
			c := nd.Shape.C
			mean, variance := make([]float32, c), make([]float32, c)
			for k := range c {
				var s, q float64
				for _, a := range src {
					for j := k; j < len(a.Data); j += c {
						s += float64(a.Data[j])
					}
				}
				px := float64(batch * nd.Shape.Pixels())
				s /= px
				for _, a := range src {
					for j := k; j < len(a.Data); j += c {
						q += (float64(a.Data[j]) - s) * (float64(a.Data[j]) - s)
					}
				}
				mean[k], variance[k] = float32(s), float32(q/px)
			}
			params = [][]float32{params[0], params[1], mean, variance}
		}
		for b := range batch {
			if i == 0 {
				acts[0][b] = blocks.Tensor{Shape: n.Input(), Data: in[b*e:][:e]}
				continue
			}
			acts[i][b] = blocks.Tensor{Shape: nd.Shape, Data: make([]float32, nd.Shape.Elems())}
			src := make([]blocks.Tensor, len(nd.Inputs))
			for k, j := range nd.Inputs {
				src[k] = acts[j][b]
			}
			nd.Op.Eval(acts[i][b], src, params)
		}
	}
	return acts
}

// TestTap sees the input of every activation op.
func TestTap(t *testing.T) {
	for seed := range uint64(20) {
		n := randomNet(t, 2000+seed)
		w := randomWeights(t, n, seed)
		const batch = 2
		in := noise(batch*n.Input().Elems(), seed)
		acts := batchOracle(n, w, in, batch)
		for _, threads := range []int{1, 2} {
			seen := map[int]bool{}
			o := Options{Batch: batch, BatchStats: true, Tap: func(node int, pre []float32) error {
				seen[node] = true
				var want []float32
				for _, a := range acts[n.Nodes[node].Inputs[0]] {
					want = append(want, a.Data...)
				}
				if len(pre) != len(want) {
					t.Fatalf("%s: node %d shows %d values, want %d", n.Name, node, len(pre), len(want))
				}
				near(t, n.Name, pre, want, 20*tolerance)
				return nil
			}}
			mustRun(t, n, w, small(kernels.Best().Name(), threads), o, in)
			for i := range n.Nodes {
				if _, ok := n.Nodes[i].Op.(*blocks.Activation); ok && !seen[i] {
					t.Errorf("%s: activation %d was not shown", n.Name, i)
				}
			}
		}
	}
}

func TestCalibrateBN(t *testing.T) {
	n := mobilenetV2(t, 64)
	w := blocks.NewWeights(n, 3)
	if err := CalibrateBN(n, w, 7); err != nil {
		t.Fatal(err)
	}
	again := blocks.NewWeights(n, 3)
	if err := CalibrateBN(n, again, 7); err != nil {
		t.Fatal(err)
	}
	in := noise(n.Input().Elems(), 1)
	out := mustRun(t, n, w, Host(1), Options{}, in)
	identical(t, "calibrated twice", mustRun(t, n, again, Host(1), Options{}, in), out)
	if s := scaleOf(out); s < 0.1 || s > 100 {
		t.Errorf("the largest output is %g: activations vanish or explode", s)
	}
	for i := range n.Nodes {
		if _, ok := n.Nodes[i].Op.(*blocks.BatchNorm); ok {
			if v := w.Node(i)[3][0]; v == 1 || v < 0 {
				t.Errorf("%s: variance is %v after calibration", n.Nodes[i].Name, v)
			}
		}
	}
}

// TestMobileNets runs whole networks, small, through every instruction set.
func TestMobileNets(t *testing.T) {
	for _, n := range mobileNets(t, 64) {
		w := blocks.NewWeights(n, 1)
		if err := CalibrateBN(n, w, 1); err != nil {
			t.Fatal(err)
		}
		in := noise(n.Input().Elems(), 4)
		want := oracle(t, n, w, in, 1)
		for _, isa := range kernels.Supported() {
			got := mustRun(t, n, w, target(isa, 1), Options{}, in)
			near(t, n.Name+" "+isa, got, want, tolerance)
			identical(t, n.Name+" two threads", mustRun(t, n, w, target(isa, 2), Options{}, in), got)
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	n := mobilenetV3Small(t, 64)
	w := blocks.NewWeights(n, 1)
	for _, threads := range []int{1, 2} {
		for _, o := range []Options{{}, {Batch: 2, BatchStats: true}, {Tap: func(int, []float32) error { return nil }}} {
			p, err := Compile(n, Host(threads), o)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Bind(w); err != nil {
				t.Fatal(err)
			}
			in, out := noise(p.InLen(), 1), make([]float32, p.OutLen())
			if a := testing.AllocsPerRun(20, func() {
				if err := p.Run(out, in); err != nil {
					t.Fatal(err)
				}
			}); a != 0 {
				t.Errorf("%d threads, %+v: %v allocations a run", threads, o.BatchStats, a)
			}
		}
	}
}

// TestPlanIsPure lists plans for machines that this one need not be.
func TestPlanIsPure(t *testing.T) {
	n := mobilenetV2(t, 224)
	list := func(tg Target, o Options) []Call {
		p, err := Compile(n, tg, o)
		if err != nil {
			t.Fatal(err)
		}
		return p.Kernels()
	}
	for _, isa := range isas {
		tg := target(isa, 4)
		a := list(tg, Options{})
		t.Setenv(kernels.EnvName, "generic")
		b := list(tg, Options{})
		t.Setenv(kernels.EnvName, "")
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: plans differ", isa)
		}
		var macs int64
		covered := map[int]bool{}
		for _, c := range a {
			macs += c.Unit.MACs()
			for _, i := range c.Nodes {
				covered[i] = true
			}
		}
		if macs != n.Counts().MACs {
			t.Errorf("%s: calls have %d MACs, the network %d", isa, macs, n.Counts().MACs)
		}
		for i := 1; i < len(n.Nodes); i++ {
			if !covered[i] {
				t.Errorf("%s: node %s is in no call", isa, n.Nodes[i].Name)
			}
		}
	}
	big := Target{ISA: "avx2", L1: 48 << 10, L2: 64 << 20, L3: 64 << 20}
	if fused := list(target("avx2", 1), Options{}); len(list(big, Options{})) <= len(fused) {
		t.Error("a cache that holds everything should leave nothing to fuse")
	} else if len(list(target("avx2", 1), Options{NoBlockFusion: true})) != len(list(big, Options{})) {
		t.Error("NoBlockFusion should fuse nothing")
	}
}

// TestConcatInPlace: what can be written in place costs no call.
func TestConcatInPlace(t *testing.T) {
	n := build(t, "branches", blocks.Shape{H: 8, W: 8, C: 16}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		conv := func(v blocks.Value, out int) blocks.Value {
			return blocks.ConvBNAct{Out: out, Kernel: 3, Act: blocks.ReLU}.Build(b, v)
		}
		pool := b.Apply("pool", &blocks.Pool{Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1)}, x)
		y := b.Apply("concat", &blocks.Concat{}, conv(x, 8), conv(x, 24), pool)
		z := b.Apply("concat", &blocks.Concat{}, y, conv(y, 16)) // a concatenation inside another
		return conv(z, 4)
	})
	p, err := Compile(n, target("avx2", 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Kernels() {
		if c.Unit.Name == "copy" {
			t.Errorf("copies: %v", c.Unit)
		}
	}
	if _, got, _ := p.assignMemory(); got != 8*8*(48+16) {
		t.Errorf("arena is %d floats, want the %d of the outer concatenation", got, 8*8*(48+16))
	}
}

func TestErrors(t *testing.T) {
	n := mobilenetV3Small(t, 32)
	if _, err := Compile(n, Target{ISA: "mmx"}, Options{}); err == nil {
		t.Error("an unknown instruction set compiles")
	}
	if _, err := Compile(n, Host(1), Options{Batch: -1}); err == nil {
		t.Error("a negative batch compiles")
	}
	if _, err := Compile(nil, Host(1), Options{}); err == nil {
		t.Error("no network compiles")
	}
	if _, err := Compile(&blocks.Network{Nodes: make([]blocks.Node, 3)}, Host(1), Options{}); err == nil {
		t.Error("a network without shapes compiles")
	}
	p, err := Compile(n, Host(1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	in, out := make([]float32, p.InLen()), make([]float32, p.OutLen())
	if p.Run(out, in) == nil {
		t.Error("an unbound plan runs")
	}
	if p.Bind(blocks.EmptyWeights(n)) == nil {
		t.Error("empty weights bind")
	}
	if err := p.Bind(blocks.NewWeights(n, 1)); err != nil {
		t.Fatal(err)
	}
	if p.Run(out, in[1:]) == nil || p.Run(out[1:], in) == nil || p.RunTraced(out, in[1:], new(Trace)) == nil {
		t.Error("slices of the wrong length are accepted")
	}
	foreign := "neon"
	if slices.Contains(kernels.Supported(), "neon") {
		foreign = "avx2"
	}
	if p, err = Compile(n, Target{ISA: foreign}, Options{}); err != nil {
		t.Fatal(err)
	}
	if p.Bind(blocks.NewWeights(n, 1)) == nil {
		t.Error("a foreign plan binds")
	}
}

// TestTrivialNetworks: the output is the input, a view of it, or made of it alone.
func TestTrivialNetworks(t *testing.T) {
	in := noise(4*5*6, 1)
	for name, f := range map[string]func(b *blocks.Builder, x blocks.Value) blocks.Value{
		"identity": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("id", &blocks.Activation{}, x)
		},
		"relu": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("relu", &blocks.Activation{Func: blocks.ReLU}, x)
		},
		"one part": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("concat", &blocks.Concat{}, x)
		},
		"twice": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("concat", &blocks.Concat{}, x, x)
		},
		"slice": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("slice", &blocks.ChannelSlice{From: 1, To: 4}, x)
		},
		"double": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("add", &blocks.Add{}, x, x)
		},
		"unread branch": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			blocks.ConvBNAct{Out: 3, Act: blocks.ReLU}.Build(b, x)
			return b.Apply("relu", &blocks.Activation{Func: blocks.ReLU}, x)
		},
		"slice of a part": func(b *blocks.Builder, x blocks.Value) blocks.Value {
			y := blocks.ConvBNAct{Out: 8, Act: blocks.ReLU}.Build(b, x)
			z := b.Apply("slice", &blocks.ChannelSlice{From: 3, To: 8}, y)
			c := b.Apply("concat", &blocks.Concat{}, y, blocks.ConvBNAct{Out: 2}.Build(b, z))
			r := b.Apply("relu", &blocks.Activation{Func: blocks.ReLU}, c)
			return b.Apply("slice_2", &blocks.ChannelSlice{From: 5, To: 10}, r)
		},
	} {
		n := build(t, name, blocks.Shape{H: 4, W: 5, C: 6}, f)
		w := randomWeights(t, n, 1)
		for _, isa := range kernels.Supported() {
			near(t, name+" "+isa, mustRun(t, n, w, target(isa, 1), Options{}, in), oracle(t, n, w, in, 1), tolerance)
		}
	}
}

// TestRebind: new weights take the place of the old ones.
func TestRebind(t *testing.T) {
	n := mobilenetV3Small(t, 32)
	p, err := Compile(n, Host(1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := noise(p.InLen(), 1)
	for seed := range uint64(3) {
		w := randomWeights(t, n, seed)
		if err := p.Bind(w); err != nil {
			t.Fatal(err)
		}
		out := make([]float32, p.OutLen())
		if err := p.Run(out, in); err != nil {
			t.Fatal(err)
		}
		identical(t, "bound anew", out, mustRun(t, n, w, Host(1), Options{}, in))
	}
}

// TestWorkspace binds plans of different sizes in one workspace, full of what
// the last one left.
func TestWorkspace(t *testing.T) {
	var ws Workspace
	var first *Plan
	for seed := range uint64(30) {
		n := randomNet(t, 4000+seed)
		w := randomWeights(t, n, seed)
		in := noise(n.Input().Elems(), seed)
		p, err := Compile(n, small(Host(1).ISA, 1+int(seed)%2), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.BindIn(&ws, w); err != nil {
			t.Fatal(err)
		}
		out := make([]float32, p.OutLen())
		if err := p.Run(out, in); err != nil {
			t.Fatal(err)
		}
		identical(t, n.Name, out, mustRun(t, n, w, small(Host(1).ISA, 1), Options{}, in))
		if first == nil {
			first = p
		} else if first.Run(make([]float32, first.OutLen()), make([]float32, first.InLen())) == nil {
			t.Fatal("a plan runs whose memory is another's")
		}
	}
}

// TestPlansInParallel: each goroutine has its plan, and the workers are shared.
func TestPlansInParallel(t *testing.T) {
	n := mobilenetV3Small(t, 32)
	w := randomWeights(t, n, 1)
	in := noise(n.Input().Elems(), 1)
	want := mustRun(t, n, w, Host(1), Options{}, in)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				identical(t, "in parallel", mustRun(t, n, w, Host(2), Options{}, in), want)
			}
		})
	}
	wg.Wait()
}
