package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nas/accuracy"
	"nas/blocks"
	"nas/blocks/inherit"
	"nas/internal/device"
	"nas/internal/edits"
	"nas/internal/explain"
	"nas/internal/fault"
	"nas/internal/netfile"
	"nas/internal/resolve"
)

// explainFlags are the flags of nas explain.
type explainFlags struct {
	profile, recipe string
	on              device.Choice
	calibrate       time.Duration
	measure, top    int
	svg, html       string
	apply           []string
	out             string
	seed            uint64
}

func newExplain(a *app) *cobra.Command {
	var o explainFlags
	cmd := &cobra.Command{
		Use:   "explain ARCH",
		Short: "Say where a network's latency goes, what bounds it, and which edits would pay",
		Long: `Explain divides the predicted latency of a network among its blocks and operators. It
says of each whether multiply-adds, bandwidth or overhead bounds it. It then makes every
edit of the network that could win latency, predicts the edited network and estimates
its accuracy. Edits that win most for each point of accuracy lost come first.

Kinds of edits: ` + strings.Join(edits.Kinds(), ", ") + `.

With --apply and --out it writes the network with some of the edits made. Weights that
the edited network has in common with the network are kept; train it again.

ARCH is ` + archForms + `.`,
		Example: `  nas explain mobilenet_v3_large
  nas explain model.onnx --profile phone.json --html explain.html
  nas explain model.onnx --calibrate 20s --measure 3
  nas explain model.onnx --apply 1,3 --out better.onnx`,
		Args: oneArch,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.checkExplain(cmd, &o)
			if err != nil {
				return err
			}
			n, err := a.find(args[0])
			if err != nil {
				return err
			}
			x, err := a.explain(cmd.Context(), n, &o)
			if err != nil {
				return err
			}
			if o.out != "" {
				if err := a.writeEdited(n, x, &o, format); err != nil {
					return err
				}
			}
			if o.svg != "" {
				if err := a.draw(o.svg, x.Roofline()); err != nil {
					return err
				}
			}
			if o.html != "" {
				if err := a.save(o.html, func(w io.Writer) error { return x.WriteHTML(w, o.top) }); err != nil {
					return err
				}
			}
			if a.json {
				x.Warnings = warnings(x.Warnings)
				return a.writeJSON(x)
			}
			a.printExplanation(x, o.top)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "a latency profile (default: the run's for a trial, else this machine's)")
	deviceFlags(cmd, &o.on, "the device whose cached profile is taken", "threads of that device")
	recipeFlag(cmd, &o.recipe)
	f.DurationVar(&o.calibrate, "calibrate", 0,
		"first time the kernels of the network and its edits on the device for so long, for better predictions")
	f.IntVar(&o.measure, "measure", 0, "measure the first `N` edits on the device, in turn with the network")
	f.IntVar(&o.top, "top", 15, "list so many edits; 0 for all")
	f.StringVar(&o.svg, "svg", "", "draw the kernels under the device's roofline into `FILE`, .svg, .png or .pdf")
	f.StringVar(&o.html, "html", "", "write all as one HTML page into `FILE`")
	f.StringSliceVar(&o.apply, "apply", nil, "the `EDITS` to make, by number or name, such as 1,3 or se@4")
	f.StringVar(&o.out, "out", "", "with --apply, the `FILE` for the edited network; its ending is the format")
	f.Uint64Var(&o.seed, "seed", 0, "of weights that are drawn")
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

// checkExplain checks the flags, and returns the format of --out.
func (a *app) checkExplain(cmd *cobra.Command, o *explainFlags) (format string, err error) {
	switch {
	case (len(o.apply) > 0) != (o.out != ""):
		return "", usagef("--apply and --out go together: the edits to make, and the file for the edited network")
	case o.measure < 0 || o.top < 0:
		return "", usagef("--measure and --top: want 0 or more")
	case o.calibrate != 0 && (o.calibrate < time.Second || o.calibrate > longestWait):
		return "", usagef("--calibrate %v: want 1s to %v", o.calibrate, longestWait)
	}
	if err := a.picture("--svg", o.svg); err != nil {
		return "", err
	}
	if err := a.place("--html", o.html); err != nil {
		return "", err
	}
	if o.out == "" {
		return "", nil
	}
	return a.formatOf(cmd, "", o.out)
}

// explain carries out the command for a network.
func (a *app) explain(ctx context.Context, n *resolve.Network, o *explainFlags) (*explain.Explanation, error) {
	p, err := profileFor(n, o.profile, o.on)
	if err != nil {
		return nil, err
	}
	if err := accuracy.CheckRecipe("imagenet", o.recipe); err != nil {
		return nil, usagef("--recipe %q: %s", o.recipe, fault.Text(err))
	}
	opts := explain.Options{Name: n.Title, Profile: p, Calibrate: o.calibrate, Measure: o.measure}
	if opts.Estimator, err = accuracy.NewImageNet(o.recipe); err != nil {
		return nil, err
	}
	if opts.Network, err = inFloats(n); err != nil {
		return nil, err
	}
	if o.calibrate > 0 || o.measure > 0 {
		if opts.Runtime, err = runtimeOf(o.on); err != nil {
			return nil, err
		}
		if err := p.Matches(opts.Runtime); err != nil {
			return nil, usagef("--calibrate and --measure need the device of the profile: %w", err)
		}
	}
	m := a.meter
	defer m.end()
	opts.Say, opts.Progress = m.say, m.progress
	x, err := explain.Explain(ctx, opts)
	if err == nil {
		x.Warnings = append(x.Warnings, asFloats(n, p.Device)...)
	}
	return x, err
}

// writeEdited writes the network with the edits of --apply.
func (a *app) writeEdited(n *resolve.Network, x *explain.Explanation, o *explainFlags, format string) error {
	edited, made, err := x.Apply(o.apply)
	if err != nil {
		return usagef("--apply: %w", err)
	}
	var form netfile.Form
	if err := asFile(&form.ONNX, "", n); err != nil {
		return err
	}
	own := hasWeights(n)
	weights := func() (*blocks.Weights, error) {
		w, err := n.WeightsFor(o.seed)
		if err != nil {
			return nil, err
		}
		w, _, err = inherit.Weights(edited, n.Network, w, o.seed)
		return w, err
	}
	files, err := netfile.Files(format, o.out, edited, weights, form)
	if err != nil {
		return err
	}
	if err := keepsTrained(files, ""); err != nil {
		return err
	}
	for _, f := range files {
		if err := a.save(f.Path, func(w io.Writer) error { _, err := w.Write(f.Data); return err }); err != nil {
			return err
		}
	}
	if a.quiet {
		return nil
	}
	for _, c := range made {
		a.notef("%s: made edit %d, %s: %s\n", o.out, c.ID, c.Name, c.Text)
	}
	if own {
		a.notef("weights that both networks have were kept, the others are random (seed %d): train it again\n", o.seed)
	} else {
		a.notef("the weights are random (seed %d) until you train them\n", o.seed)
	}
	return nil
}

// printExplanation prints an explanation with so many edits, 0 for all.
func (a *app) printExplanation(x *explain.Explanation, top int) {
	a.printf("%s: %s ms, 90 %% interval %s to %s, on %s\n", x.Name, ms(x.Ms), ms(x.LowMs), ms(x.HighMs), x.Device)
	for _, s := range x.Sheets(top) {
		a.printf("\n%s\n", s.Title)
		for _, line := range s.Lines {
			a.printf("%s\n", line)
		}
		if len(s.Rows) > 0 {
			a.printf("\n")
			t := table{head: s.Head}
			for _, r := range s.Rows {
				cells := make([]any, len(r))
				for i := range r {
					cells[i] = r[i]
				}
				t.add(cells...)
			}
			t.write(a.stdout)
		}
	}
	a.warn(x.Warnings)
}
