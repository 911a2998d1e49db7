package train

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nas/accuracy/images"
	"nas/blocks"
	"nas/internal/imagestest"
)

// tiny is a classifier of the images of imagestest.
func tiny(t *testing.T) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder("tiny", blocks.Shape{H: 12, W: 12, C: 1})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU}.Build(b, b.Input())
	x = blocks.InvertedResidual{Out: 8, Expanded: 16, Kernel: 3, Act: blocks.HSwish}.Build(b, x)
	x = b.Apply("flat", &blocks.Linear{Out: 4, Bias: true}, x)
	b.Apply("softmax", &blocks.Softmax{}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// columns are images whose class is their brightest column.
func columns(t *testing.T, n int) *images.Data {
	t.Helper()
	dir := t.TempDir()
	imagestest.WriteIDX(t, dir, n, 12, 4)
	d, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 12, W: 12, C: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func short() Options {
	o := Defaults()
	o.Epochs, o.Batch, o.Shift, o.Rate = 4, 64, 0, 0.05
	return o
}

// weightsAfter trains for the epochs that are left, and returns all weights.
func weightsAfter(t *testing.T, tr *Trainer, epochs int) []float32 {
	t.Helper()
	for tr.Done() < epochs {
		e, err := tr.Epoch(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		tr.Record(e)
	}
	return slices.Concat(tr.present, tr.ema, tr.moving)
}

// TestLearns wants a network to learn what can be learnt, with both optimizers and all changes of images.
func TestLearns(t *testing.T) {
	n, d := tiny(t), columns(t, 1200)
	for _, c := range []struct {
		name string
		edit func(o *Options)
	}{
		{SGD, func(*Options) {}},
		{AdamW, func(o *Options) { o.Optimizer, o.Rate, o.Clip = AdamW, 0.01, 1 }},
		{"changed images", func(o *Options) { o.Cutout, o.Warmup = 3, 10 }},
	} {
		o := short()
		c.edit(&o)
		tr, err := New(n, blocks.NewWeights(n, 1), d.Train, o)
		if err != nil {
			t.Fatal(err)
		}
		weightsAfter(t, tr, o.Epochs)
		tr.Close()
		pct, err := Judge(context.Background(), n, tr.Weights(), d.Val, 2)
		if err != nil {
			t.Fatal(err)
		}
		if c := tr.Curve(); pct < 95 || c[3].Loss >= c[0].Loss {
			t.Errorf("%v: %.1f %% of the validation images are right, and the losses are %v", c, pct, tr.Curve())
		}
	}
}

// TestResume wants the same bits from a training that goes on from a checkpoint, with any number of workers.
func TestResume(t *testing.T) {
	n, d := tiny(t), columns(t, 400)
	for _, kind := range []string{SGD, AdamW} {
		o := short()
		o.Optimizer, o.Rate, o.Shift, o.Flip = kind, 0.01, 1, true
		start := blocks.NewWeights(n, 1)
		whole, err := New(n, start, d.Train, o)
		if err != nil {
			t.Fatal(err)
		}
		want := weightsAfter(t, whole, 4)
		whole.Close()
		var checkpoint bytes.Buffer
		for done := 1; done <= 4; done++ {
			o.Workers = done
			tr, err := New(n, start, d.Train, o)
			if err != nil {
				t.Fatal(err)
			}
			if done > 1 {
				if err := tr.Load(checkpoint.Bytes()); err != nil {
					t.Fatal(err)
				}
			}
			got := weightsAfter(t, tr, done)
			checkpoint.Reset()
			if err := tr.Save(&checkpoint); err != nil {
				t.Fatal(err)
			}
			tr.Close()
			if done == 4 && !slices.Equal(got, want) {
				t.Errorf("%s: a training that was resumed has other weights", kind)
			}
		}
		damaged(t, n, d, o, checkpoint.Bytes())
	}
}

// damaged wants checkpoints that are not the trainer's to be refused.
func damaged(t *testing.T, n *blocks.Network, d *images.Data, o Options, good []byte) {
	t.Helper()
	tr, err := New(n, blocks.NewWeights(n, 1), d.Train, o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		bad := slices.Clone(good)
		bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		if tr.Load(bad) == nil {
			t.Error("a damaged checkpoint was taken")
		}
		if tr.Load(good[:r.IntN(len(good))]) == nil {
			t.Error("a checkpoint that was cut off was taken")
		}
	}
	o.Decay *= 2
	other, err := New(n, blocks.NewWeights(n, 1), d.Train, o)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Load(good); err == nil || !strings.Contains(err.Error(), "other options") {
		t.Errorf("a checkpoint of other options: %v", err)
	}
}

// TestRefusals wants a sentence for each thing that cannot be trained.
func TestRefusals(t *testing.T) {
	n, d := tiny(t), columns(t, 100)
	build := func(f func(b *blocks.Builder)) *blocks.Network {
		b := blocks.NewBuilder("other", blocks.Shape{H: 12, W: 12, C: 1})
		f(b)
		n, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range []struct {
		want string
		net  *blocks.Network
		edit func(o *Options)
	}{
		{"multiple of 8", n, func(o *Options) { o.Batch = 12 }},
		{"optimizer", n, func(o *Options) { o.Optimizer = "lion" }},
		{"rate", n, func(o *Options) { o.Rate = -1 }},
		{"classes", build(func(b *blocks.Builder) { b.Apply("l", &blocks.Linear{Out: 9}, b.Input()) }), nil},
		{"classifier", build(func(b *blocks.Builder) { b.Act(blocks.ReLU, b.Input()) }), nil},
		{`op "unary"`, build(func(b *blocks.Builder) {
			b.Apply("l", &blocks.Linear{Out: 4}, b.Apply("u", &blocks.Unary{Func: "tanh"}, b.Input()))
		}), nil},
	} {
		o := short()
		if c.edit != nil {
			c.edit(&o)
		}
		_, err := New(c.net, blocks.NewWeights(c.net, 1), d.Train, o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want it to name %q", err, c.want)
		}
	}
}
