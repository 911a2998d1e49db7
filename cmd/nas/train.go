package main

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"nas/accuracy/images"
	"nas/accuracy/train"
)

// trainFlags are those of nas train.
type trainFlags struct {
	train.Options
	data, weights, out, plot string
	inherit                  inheritFlags
	until                    int // stop after this many epochs of the schedule; 0: after all of them
	val, subset              int
	resume, test             bool
}

func newTrain(a *app) *cobra.Command {
	o := trainFlags{Options: train.Defaults()}
	cmd := &cobra.Command{
		Use:   "train ARCH --data DIR",
		Short: "Train a classifier on this machine's processor, and write its weights",
		Long: `Train trains a network on labelled images and writes its weights as a .safetensors file, which
--weights of nas infer, nas export and other commands take. It needs no other program. It is meant
for images of up to about 96 pixels and networks of up to a million parameters.

DIR holds the images in one of these forms:

  DIR/CLASS/*.png (also .jpg, .jpeg), or DIR/train/CLASS/*.png, with DIR/val and DIR/test if you have them
  DIR/train-images-idx3-ubyte and its three companions, also with .gz: MNIST, Fashion-MNIST
  DIR/data_batch_1.bin to data_batch_5.bin and test_batch.bin: CIFAR-10; train.bin and test.bin: CIFAR-100

Pictures are cut to the proportions of the network's input and scaled to it. Without DIR/val a fifth of the images,
5,000 at most, is held out for validation. The test images are read with --test alone, at the end.

The network gets (value/255 - 0.5) / 0.25: nas infer --mean 0.5 --std 0.25 gives it the same. A softmax at its end
is left to the loss. With --inherit the training begins with the weights of a network near this one, such as another
trial of the run, as far as there is a place for them, and needs fewer epochs.

After each epoch a checkpoint is written beside the weights. --resume goes on from it and ends with the same weights,
to the bit, as a training that was never interrupted. So does any number of --threads.`,
		Example: `  nas train mobilenet_v2@width=0.35,res=32,classes=10 --data cifar-10-batches-bin --flip
  nas train results/fashion-mnist:17 --data data/fashion-mnist --epochs 20 --test
  nas train results/fashion-mnist:17 --data data/fashion-mnist --inherit results/fashion-mnist:12 --epochs 5
  nas train net.toml --data photos --optimizer adamw --lr 0.002 --resume`,
		Args: oneArch,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.data == "" {
				return usagef("--data is missing: want the folder of the images")
			}
			if o.Optimizer == train.AdamW && !cmd.Flags().Changed("lr") {
				o.Rate = 0.002
			}
			return a.train(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "", "the `DIR` of the images")
	f.StringVar(&o.out, "out", "weights.safetensors", "the `FILE` of the trained weights")
	f.StringVar(&o.plot, "plot", "", "draw the accuracy of each epoch into `FILE`, .svg, .png or .pdf "+
		"(default: an .svg file beside the weights)")
	f.IntVar(&o.Epochs, "epochs", o.Epochs, "epochs over which the learning rate falls to zero")
	f.IntVar(&o.until, "until", 0, "end after so many `EPOCHS`, to be resumed (default: --epochs)")
	f.IntVar(&o.Batch, "batch", o.Batch, "images of a step, a multiple of 8")
	f.StringVar(&o.Optimizer, "optimizer", o.Optimizer, "sgd, with Nesterov's momentum, or adamw")
	f.Float64Var(&o.Rate, "lr", o.Rate, "highest learning rate (of adamw: 0.002)")
	f.Float64Var(&o.Momentum, "momentum", o.Momentum, "of sgd")
	f.Float64Var(&o.Decay, "decay", o.Decay, "weight decay, of the weights of layers")
	f.IntVar(&o.Warmup, "warmup", o.Warmup, "steps in which the learning rate rises, an epoch's at most")
	f.Float64Var(&o.Smoothing, "smoothing", o.Smoothing, "of the labels")
	f.Float64Var(&o.Clip, "clip", o.Clip, "cut longer gradients to this norm (default: none are cut)")
	f.Float64Var(&o.EMA, "ema", o.EMA, "share of the averaged weights that a step leaves, 0 for no average")
	f.IntVar(&o.Shift, "shift", o.Shift, "move images at random by up to so many `PIXELS`")
	f.BoolVar(&o.Flip, "flip", o.Flip, "mirror half of the images; not for digits and text")
	f.IntVar(&o.Cutout, "cutout", o.Cutout, "put a grey square of so many `PIXELS` into each image")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of the weights to begin with, and of what is random in the training")
	f.IntVar(&o.Workers, "threads", runtime.NumCPU(), "threads")
	f.StringVar(&o.weights, "weights", "", weightsHelp+", to begin with")
	o.inherit.flags(cmd)
	f.IntVar(&o.val, "val", 5000, "validation images at most")
	f.IntVar(&o.subset, "subset", 0, "train on so many images only (default: all)")
	f.BoolVar(&o.resume, "resume", false, "go on from the checkpoint, if there is one")
	f.BoolVar(&o.test, "test", false, "judge the trained network on the test images, too")
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

// trained is what nas train says with --json.
type trained struct {
	Network string        `json:"network"`
	Params  int64         `json:"params"`
	Images  int           `json:"images"`     // trained on
	Val     int           `json:"val_images"` // judged by
	Epochs  []train.Epoch `json:"epochs"`
	TestPct *float64      `json:"test_pct,omitempty"`
	Weights string        `json:"weights"`
}

func (a *app) train(ctx context.Context, arch string, o trainFlags) error {
	if o.until == 0 {
		o.until = o.Epochs
	}
	switch {
	case o.until < 1 || o.until > o.Epochs:
		return usagef("--until %d: want 1 to %d, the number of --epochs", o.until, o.Epochs)
	case o.Workers < 1 || o.Workers > 1024:
		return usagef("--threads %d: want 1 to 1024", o.Workers)
	case o.val < 1 || o.subset < 0:
		return usagef("--val %d and --subset %d: want at least 1, and at least 0", o.val, o.subset)
	}
	files, err := a.trainingFiles(&o)
	if err != nil {
		return err
	}
	n, err := a.find(arch)
	if err != nil {
		return err
	}
	start, err := a.inherited(n, o.inherit, o.weights, o.Seed)
	if err != nil {
		return err
	}
	want := images.Options{Shape: n.Input(), Val: o.val, Subset: o.subset}
	data, err := images.Open(o.data, want)
	if err != nil {
		return usage(err)
	}
	t, err := train.New(n.Network, start, data.Train, o.Options)
	if err != nil {
		return usage(err)
	}
	defer t.Close()
	if files.old != nil {
		if err := t.Load(files.old); err != nil {
			return usagef("%s: %w", files.checkpoint, err)
		}
	}
	if o.inherit.from != "" && files.old == nil {
		if err := a.judgeInherited(ctx, t, data, o.Workers); err != nil {
			return err
		}
	}
	out := trained{Network: n.Title, Params: n.Counts().Params, Images: data.Train.Len(), Val: data.Val.Len(),
		Weights: o.out}
	if err := a.epochs(ctx, t, data, o, files, &out); err != nil {
		return err
	}
	if err := a.saveTrained(t, n, files, &out); err != nil {
		return err
	}
	if o.test {
		set, err := images.OpenTest(o.data, want)
		if err != nil {
			return usage(err)
		}
		pct, err := train.Judge(ctx, n.Network, t.Weights(), set, o.Workers)
		if err != nil {
			return err
		}
		out.TestPct = &pct
	}
	if a.json {
		return a.writeJSON(out)
	}
	if out.TestPct != nil {
		a.printf("test accuracy %.2f %%\n", *out.TestPct)
	}
	return nil
}
