package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nas/accuracy/int8drop"
	"nas/blocks/tflite"
	"nas/internal/int8loss"
	"nas/internal/plural"
	"nas/internal/report"
	"nas/internal/resolve"
)

// quantizeFlags are those of nas quantize.
type quantizeFlags struct {
	integers      integerFlags
	weights, plot string
	seed          uint64
	report        bool
	layers, worst int
}

func newQuantize(a *app) *cobra.Command {
	o := quantizeFlags{integers: integerFlags{quantize: "int8", io: "float"}}
	cmd := &cobra.Command{
		Use:   "quantize ARCH --report",
		Short: "Tell which layers of a network lose as 8-bit integers, and what would help",
		Long: `Quantize turns a network into 8-bit integers and compares it with float32, layer by layer.
The measure is the ratio of signal to noise in decibels: 20 dB is an error of a tenth, 40 dB of a hundredth.
For each layer it is told of the network's outputs and of the layer's own, this layer alone rounded, and of its
own output with all layers rounded. The layers that cost the outputs most come first. Both kinds of scales
of the weights are compared: one for each output channel, and one for a whole layer, as some accelerators want it.
Edits that may help are tried for the worst layers, and those that help are listed with their gain.

Ranges and errors are those of the images of --calibrate. Without it they are those of noise, which says what
happens to random weights.
nas export --quantize int8 writes the file.`,
		Example: `  nas quantize mobilenet_v2 --weights trained.safetensors --calibrate photos --report
  nas quantize model.onnx --calibrate images.npy --per-tensor --report --json
  nas quantize mobilenet_v3_small --report --plot losses.svg`,
		Args: oneArch,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !o.report {
				return usagef("want --report; nas export --quantize int8 writes a file of integers")
			}
			if o.layers < 1 || o.worst < 0 {
				return usagef("--layers %d and --edits %d: want at least 1 and 0", o.layers, o.worst)
			}
			if err := a.picture("--plot", o.plot); err != nil {
				return err
			}
			n, err := a.find(args[0])
			if err != nil {
				return err
			}
			return a.quantize(cmd.Context(), n, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.report, "report", false, "compare each layer with float32")
	f.StringVar(&o.weights, "weights", "", weightsHelp)
	f.Uint64Var(&o.seed, "seed", 0, "of weights and of noise that are drawn")
	f.IntVar(&o.layers, "layers", 20, "the `NUMBER` of layers that are printed, the worst first")
	f.IntVar(&o.worst, "edits", 3, "the `NUMBER` of the worst layers for which edits are tried")
	f.StringVar(&o.plot, "plot", "", "draw the layers into `FILE`, .svg, .png or .pdf")
	o.integers.rangeFlags(cmd, "")
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

func (a *app) quantize(ctx context.Context, n *resolve.Network, o quantizeFlags) error {
	how, err := a.integers(o.integers, n, o.seed)
	if err != nil {
		return err
	}
	noise := how.Images == nil
	if noise {
		how.Images = tflite.SeededImages(n.Network.Input(), o.seed)
	}
	w, err := a.weightsOf(n, o.weights, o.seed)
	if err != nil {
		return err
	}
	r, err := int8loss.Of(n.Network, w, int8loss.Options{
		QuantizeOptions: *how, Worst: o.worst,
		Step: func(done, total int, what string) error {
			a.meter.show("comparing", done, total, what)
			return ctx.Err()
		},
	})
	a.meter.end()
	if err != nil {
		return err
	}
	r.Name = n.Title
	if o.plot != "" {
		if err := a.draw(o.plot, lossesOf(r, o.layers)); err != nil {
			return err
		}
	}
	if a.json {
		return a.writeJSON(r)
	}
	a.printLosses(r, o.layers, noise)
	return a.printDrop(n, o.integers.perTensor)
}

// printDrop says what published networks lost.
func (a *app) printDrop(n *resolve.Network, perTensor bool) error {
	score, _, err := accuracyOf(n.Network, "base")
	if err != nil || score == nil {
		return err
	}
	d, err := int8drop.Estimate(n.Network, score.Value, perTensor)
	if err != nil {
		return err
	}
	a.printf("\nTrained on ImageNet: %s\n", lostText(d))
	return nil
}

// scales names the kind of scales of weights.
func scales(perTensor bool) string {
	if perTensor {
		return "per tensor"
	}
	return "per channel"
}

// verdict says in words what a ratio of the outputs means.
func verdict(db float64) string {
	switch {
	case db < 6:
		return "it fails as integers"
	case db < 15:
		return "expect a loss of accuracy"
	}
	return "close to float32"
}

func (a *app) printLosses(r *int8loss.Report, layers int, noise bool) {
	of := plural.Of(r.Images, "image")
	if noise {
		of += " of noise"
	}
	a.printf("%s as 8-bit integers, compared with float32 on %s\n", r.Name, of)
	for _, out := range []int8loss.Output{r.Output, r.Other} {
		a.printf("%-12s %5.1f dB at the outputs, the same first place %d of %d times: %s\n",
			scales(out.PerTensor)+":", out.DB, out.Same, out.Places, verdict(out.DB))
	}
	a.printf("\ndB, this layer alone rounded, at the outputs and at the layer itself; and at the layer, all rounded\n")
	t := table{head: []string{"layer", "op", "outputs", scales(!r.PerTensor), "layer", "all", "worst channel"}}
	for _, l := range r.Layers[:min(layers, len(r.Layers))] {
		t.add(l.Name, l.Op, decibels(l.OutputDB), decibels(l.OtherOutputDB), decibels(l.DB), decibels(l.AccumulatedDB),
			fmt.Sprintf("%d: %s", l.WorstChannel, decibels(l.WorstChannelDB)))
	}
	t.write(a.stdout)
	tried := false
	for _, l := range r.Layers {
		for _, e := range l.Edits {
			if !tried {
				a.printf("\nEdits that help, by what the outputs gain:\n")
			}
			tried = true
			train := ""
			if e.Retrain {
				train = ", and train again"
			}
			a.printf("%+6.1f dB  %s: %s%s\n", e.GainDB, l.Name, e.What, train)
		}
	}
	if !tried {
		a.printf("\nNo edit of the worst layers gains half a decibel at the outputs.\n")
	}
}

func decibels(v float64) string { return fmt.Sprintf("%.1f", v) }

// lossesOf is the figure of a report.
func lossesOf(r *int8loss.Report, layers int) report.Losses {
	f := report.Losses{Title: r.Name, Subtitle: "what each layer costs as 8-bit integers"}
	for _, l := range r.Layers[:min(layers, len(r.Layers))] {
		row := report.Loss{Label: l.Name, PerChannel: l.OutputDB, PerTensor: l.OtherOutputDB}
		if r.PerTensor {
			row.PerChannel, row.PerTensor = row.PerTensor, row.PerChannel
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}
