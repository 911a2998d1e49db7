package main

import (
	"context"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"nas/accuracy/images"
	"nas/accuracy/train"
	"nas/blocks"
	"nas/blocks/inherit"
	"nas/internal/resolve"
)

// inheritFlags name the network whose weights another one begins with.
type inheritFlags struct {
	from, weights string // an ARCH, and the file of its weights; "" where it has its own
}

func (f *inheritFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "inherit", "", "begin with the weights of another network, `ARCH`, such as "+
		"results/fashion-mnist:12")
	cmd.Flags().StringVar(&f.weights, "inherit-weights", "", "the `FILE` of the weights of --inherit "+
		"(default: those that its run kept, or of its .onnx or .tflite file)")
}

// hasWeights tells whether a network comes with weights.
func hasWeights(n *resolve.Network) bool {
	return n.Weights != nil || n.File != nil || n.WeightsFile != ""
}

// inherited returns the weights that a network begins with: those of its parent as far as there is a place for them;
// without one, what weightsOf returns.
func (a *app) inherited(n *resolve.Network, f inheritFlags, file string, seed uint64) (*blocks.Weights, error) {
	switch {
	case f.from == "" && f.weights != "":
		return nil, usagef("--inherit-weights goes with --inherit, which names their network")
	case f.from == "":
		return a.weightsOf(n, file, seed)
	case file != "":
		return nil, usagef("--weights and --inherit: want one of them")
	}
	parent, err := find(f.from)
	if err != nil {
		return nil, err
	}
	if f.weights == "" && !hasWeights(parent) {
		return nil, usagef("--inherit %s: it has no trained weights here: name a trial whose weights its run kept, or an "+
			".onnx or .tflite file, or give the file of its weights by --inherit-weights", f.from)
	}
	from, err := a.weightsOf(parent, f.weights, seed)
	if err != nil {
		return nil, err
	}
	w, report, err := inherit.Weights(n.Network, parent.Network, from, seed)
	if err != nil {
		return nil, usage(err)
	}
	if !a.quiet {
		a.notef("%s inherits %.1f %% of its values from %s%s%s\n", n.Title,
			100*float64(report.Inherited)/float64(report.Values), parent.Title, listed("; drawn anew: ", report.Drawn),
			listed("; without a place here: ", report.Left))
	}
	return w, nil
}

// listed are the first names of a list, behind a text; "" for an empty list.
func listed(text string, names []string) string {
	const most = 6
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		names = append(names[:most:most], "...")
	}
	return text + strings.Join(names, ", ")
}

// judgeInherited says what weights are worth before they are trained.
func (a *app) judgeInherited(ctx context.Context, t *train.Trainer, data *images.Data, workers int) error {
	t.Settle()
	pct, err := train.Judge(ctx, t.Network(), t.Weights(), data.Val, workers)
	if err == nil && !a.quiet {
		a.notef("before the training %.2f %% of the validation images are right\n", pct)
	}
	return err
}

// settled fits the batch normalisation of weights to images.
func settled(n *blocks.Network, w *blocks.Weights, dir string) (*blocks.Weights, error) {
	data, err := images.Open(dir, images.Options{Shape: n.Input()})
	if err != nil {
		return nil, usage(err)
	}
	o := train.Defaults()
	o.Workers = runtime.NumCPU()
	t, err := train.New(n, w, data.Train, o)
	if err != nil {
		return nil, usage(err)
	}
	defer t.Close()
	t.Settle()
	return t.Weights(), nil
}
