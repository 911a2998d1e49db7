package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"nas/internal/device"
	"nas/internal/report"
	"nas/latency"
)

func newPredict(a *app) *cobra.Command {
	var profile, plot, recipe string
	var kernels bool
	var on device.Choice
	cmd := &cobra.Command{
		Use:   "predict ARCH",
		Short: "Predict the latency of a network, with its interval",
		Long: `Predict adds up the predicted times of the network's kernels and corrects the sum by
the profile's network model. The interval holds the measured latency of 90 % of
networks like those of the calibration. The profile may be of any device. By default
it is that of the run for a trial, else this machine's, as nas calibrate or nas run left it.

Of an image classifier the accuracy on ImageNet is estimated, too.`,
		Example: `  nas predict mobilenet_v2 --kernels
  nas predict results/mobile:17 --profile phone.json --json
  nas predict mobilenet_v2 --plot breakdown.svg`,
		Args: oneArch,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := a.picture("--plot", plot); err != nil {
				return err
			}
			n, err := a.find(args[0])
			if err != nil {
				return err
			}
			p, err := profileFor(n, profile, on)
			if err != nil {
				return err
			}
			r, err := p.Predictor()
			if err != nil {
				return err
			}
			timed, err := inFloats(n)
			if err != nil {
				return err
			}
			e, err := r.Predict(timed)
			if err != nil {
				return err
			}
			e.Warnings = append(e.Warnings, asFloats(n, p.Device)...)
			if plot != "" {
				if err := a.draw(plot, report.LatencyBreakdown(timed, e, p.Device.String())); err != nil {
					return err
				}
			}
			score, why, err := accuracyOf(n.Network, recipe)
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(struct {
					Name   string `json:"name"`
					Device string `json:"device"`
					latency.Estimate
					Accuracy *accuracyView `json:"accuracy,omitempty"`
				}{n.Title, p.Device.String(), e, score})
			}
			a.printf("%s: %s ms, 90 %% interval %s to %s\n%s, profile of %s\n",
				n.Title, ms(e.LatencyMs), ms(e.LowMs), ms(e.HighMs),
				p.Device, p.Created.Format("2006-01-02"))
			if kernels {
				a.printKernels(e)
			}
			score.print(a, why)
			a.warn(e.Warnings)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&profile, "profile", "", "a latency profile (default: the run's for a trial, else this machine's)")
	deviceFlags(cmd, &on, "the device whose cached profile is taken", "threads of that device")
	f.BoolVar(&kernels, "kernels", false, "list the kernels")
	f.StringVar(&plot, "plot", "", "draw where the latency goes into `FILE`, .svg, .png or .pdf")
	recipeFlag(cmd, &recipe)
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

// printKernels lists the kernels of a network with their predicted times.
func (a *app) printKernels(e latency.Estimate) {
	a.printf("\n")
	t := table{head: []string{"kernel", "count", "ms", "%", "from", "shape"}}
	sum := 0.0
	for _, k := range e.Kernels {
		sum += k.Ms
	}
	for _, k := range e.Kernels {
		t.add(k.Name, k.Count, fmt.Sprintf("%.4f", k.Ms), fmt.Sprintf("%.1f", 100*k.Ms/sum), k.Source, k.Shape)
	}
	t.write(a.stdout)
	a.printf("\nby themselves %s ms, together %s ms: %+.1f %%, as whole networks took at calibration\n",
		ms(sum), ms(e.LatencyMs), 100*(e.LatencyMs/sum-1))
}
