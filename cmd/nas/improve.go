package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"nas/internal/improve"
	"nas/search"
)

func newImprove(a *app) *cobra.Command {
	var o improve.Options
	var maxLatency, config string
	cmd := &cobra.Command{
		Use:   "improve ARCH",
		Short: "Search around a network for a better one that is no slower",
		Long: `Improve starts from a network that you have. It searches the space around it, or that
of a config, for networks with a higher score within the network's own predicted
latency, or within --max-latency. It then measures the best one and the network itself
in turn on this machine, and lists the changes block by block. It says so if nothing
better was found.

The space around a network has one block less or more in each stage, kernel sizes 3,
5 and 7, other expansion ratios, and channels of three quarters to five quarters. The
score is the fitted ImageNet estimate if that accepts such networks.

ARCH is ` + archForms + `.`,
		Example: `  nas improve mobilenet_v2
  nas improve model.onnx --max-latency 20ms
  nas improve mobilenet_v1 --space configs/mobile.toml --json`,
		Args: oneArch,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := a.find(args[0])
			if err != nil {
				return err
			}
			o.Name = args[0]
			if o.Network, err = inFloats(n); err != nil {
				return err
			}
			if ofIntegers(n) {
				a.notef("note: %s computes with 8-bit integers: it is compared as its network in float32\n", n.Title)
			}
			if maxLatency != "" {
				if o.MaxLatencyMs, err = parseMs("--max-latency", maxLatency); err != nil {
					return err
				}
			}
			if config != "" {
				if o.Config, err = a.loadConfig(config); err != nil {
					return err
				}
				if o.Dir == "" {
					o.Dir = o.Config.Output.Dir + "-improve"
				}
			}
			m := a.meter
			defer m.end()
			o.Say = m.say
			o.Progress = m.progress
			r, err := improve.Improve(cmd.Context(), o)
			m.end()
			if err != nil {
				return err
			}
			if r.Status == search.StatusInterrupted {
				return fmt.Errorf("%w: the same command with --resume continues %s", errInterrupted, r.Dir)
			}
			if a.json {
				return a.writeJSON(r)
			}
			a.printImprovement(r)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&maxLatency, "max-latency", "",
		"predicted latency that the result may have, such as `20ms` (default: the network's own)")
	f.StringVar(&config, "space", "",
		"search the space of a `CONFIG`, with its score and its device, instead of the one around the network")
	f.StringVar(&o.Dir, "out", "", "the `DIR` of the run (default: results/improve-NAME)")
	f.StringVar(&o.Profile, "profile", "", "a latency profile (default: this machine's)")
	acceptProfile(f, &o.AcceptProfile)
	f.IntVar(&o.Threads, "threads", 1, "threads, where neither --profile nor --space is given")
	f.IntVar(&o.Evaluations, "evaluations", 0, "networks scored at most (default: 6000 with the score imagenet, else 600)")
	f.IntVar(&o.Workers, "workers", 0, "networks evaluated at once (default: one a core)")
	f.BoolVar(&o.Resume, "resume", false, "continue the run in the directory; start one if there is none")
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

func (a *app) printImprovement(r *improve.Improvement) {
	a.printf("%s\n\n", r.Verdict)
	if r.Mapped != "" {
		a.printf("%s\n\n", r.Mapped)
	}
	a.printf("latency in ms: %s; score: %s\n\n", r.Device, r.Score)
	t := table{head: []string{
		"", "predicted", "90 % interval", "measured", "of the model's", "score", "90 % interval", "params", "MACs",
	}}
	row := func(name string, s *improve.Side) {
		if s == nil {
			return
		}
		measured, ratio, interval := "-", "-", "-"
		if s.MeasuredMs > 0 {
			measured = ms(s.MeasuredMs)
			if s.Trial >= 0 {
				ratio = fmt.Sprintf("%.3f (%.3f - %.3f)", s.Ratio, s.RatioLow, s.RatioHigh)
			}
		}
		if s.Low < s.High {
			interval = fmt.Sprintf("%.1f - %.1f", s.Low, s.High)
		}
		t.add(name, ms(s.Ms), ms(s.LowMs)+" - "+ms(s.HighMs), measured, ratio, fmt.Sprintf("%.4g", s.Score), interval,
			si(s.Params), si(s.MACs))
	}
	row("the model", &r.Model)
	if r.Best != nil {
		row(fmt.Sprintf("best, trial %d", r.Best.Trial), r.Best)
	}
	if r.Faster != nil {
		row(fmt.Sprintf("as good, faster, trial %d", r.Faster.Trial), r.Faster)
	}
	t.write(a.stdout)
	if r.Skipped != "" {
		a.printf("not measured: %s\n", r.Skipped)
	}
	if len(r.Edits) > 0 {
		a.printf("\nwhat was changed, and what the best network would lose if that alone were taken back:\n\n")
		t := table{head: []string{"where", "ms", "score", "change"}}
		for _, e := range r.Edits {
			for i, c := range e.Changes {
				if i == 0 {
					t.add(e.Where, fmt.Sprintf("%+.3f", e.Ms), fmt.Sprintf("%+.3f", e.Score), c)
				} else {
					t.add("", "", "", c)
				}
			}
		}
		t.write(a.stdout)
	}
	if r.Best != nil {
		a.printf("\nnas show %s:%d --layers shows the best one; %s/export holds it as most_accurate\n",
			r.Dir, r.Best.Trial, r.Dir)
	}
	a.warn(r.Warnings)
}
