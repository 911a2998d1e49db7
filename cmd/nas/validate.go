package main

import (
	"bufio"
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/internal/boundedfile"
	"nas/internal/device"
	"nas/internal/plural"
	"nas/internal/random"
	"nas/internal/report"
	"nas/latency"
	"nas/latency/timing"
)

func newValidate(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Compare predictions with measurements and trained accuracy",
		Long: `Validate compares predicted latency with measurements, and accuracy scores with
networks that were really trained.`,
		Example: `  nas validate latency --space configs/mobile.toml --networks 40
  nas validate accuracy --benchmark published --proxy imagenet`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newValidateLatency(a), newValidateAccuracy(a))
	return cmd
}

func newValidateLatency(a *app) *cobra.Command {
	var o struct {
		profile, space, archs, plot string
		on                          device.Choice
		networks, runs              int
		seed                        uint64
	}
	cmd := &cobra.Command{
		Use:   "latency",
		Short: "Compare predicted with measured latency",
		Long: `Networks are drawn from a space, or read from a file with one ARCH a line. Each is
measured twice, with all the others in between. The mean difference of the two is the
noise floor, below which no prediction can be judged. The baseline is a straight
line through the MACs.`,
		Example: `  nas validate latency --space configs/mobile.toml --networks 40 --plot agreement.svg
  nas validate latency --archs networks.txt --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.picture("--plot", o.plot); err != nil {
				return err
			}
			p, err := profileOf(o.profile, o.on)
			if err != nil {
				return err
			}
			o.on.Threads, o.on.DType = p.Device.Threads, cmp.Or(o.on.DType, p.Device.DType)
			rt, err := runtimeOf(o.on)
			if err != nil {
				return err
			}
			if err := p.Matches(rt); err != nil {
				return usagef("this machine cannot check the profile: %w", err)
			}
			nets, err := a.validationNetworks(o.space, o.archs, o.networks, o.seed)
			if err != nil {
				return err
			}
			v, err := latency.Validate(cmd.Context(), p, rt, nets, latency.ValidateOptions{Runs: o.runs,
				Progress: func(done, total int) { a.meter.show("measuring", done, total, "") }})
			a.meter.end()
			if err != nil {
				return err
			}
			if o.plot != "" {
				if err := a.draw(o.plot, agreementOf(v)); err != nil {
					return err
				}
			}
			if a.json {
				return a.writeJSON(v)
			}
			a.printf("%s\n", v.Device)
			a.printf("%s: mean absolute error %.2f %% (noise floor %.2f %%), median %+.2f %%, "+
				"%.0f %% within 5 %%, %.0f %% within 10 %%\n",
				plural.Of(v.Networks, "network"), v.MAPEPct, v.NoisePct, v.BiasPct, v.Within5, v.Within10)
			a.printf("Kendall tau %.3f; 90 %% interval holds %.0f %% and is %.1f %% wide; "+
				"a line through the MACs errs by %.1f %%, skill %.2f\n\n",
				v.Kendall, v.Coverage, v.WidthPct, v.BaseMAPE, v.Skill)
			t := table{head: []string{
				"from ms", "to ms", "networks", "error %", "within 5 %", "within 10 %", "covered %", "width %",
			}}
			for _, s := range v.Strata {
				t.add(ms(s.LowMs), ms(s.HighMs), s.Networks, fmt.Sprintf("%.2f", s.MAPEPct),
					fmt.Sprintf("%.0f", s.Within5), fmt.Sprintf("%.0f", s.Within10),
					fmt.Sprintf("%.0f", s.Coverage), fmt.Sprintf("%.1f", s.WidthPct))
			}
			t.write(a.stdout)
			a.warn(v.Warnings)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "a latency profile of this machine (default: the cached one)")
	deviceFlags(cmd, &o.on, "what is timed", "threads, where --profile is not given")
	f.StringVar(&o.space, "space", "", "draw networks from the space of this `CONFIG`")
	f.IntVar(&o.networks, "networks", 40, "networks drawn from the space")
	f.StringVar(&o.archs, "archs", "", "a `FILE` with one ARCH a line")
	f.IntVar(&o.runs, "runs", 0,
		fmt.Sprintf("runs of each network in each measurement round (default %d)", timing.DefaultEffort().Runs))
	f.Uint64Var(&o.seed, "seed", 1000, "of the networks that are drawn; not the calibration's")
	f.StringVar(&o.plot, "plot", "", "draw predicted against measured into `FILE`")
	a.jsonFlag(cmd)
	return cmd
}

// validationNetworks samples networks of a space, or reads a list of networks.
func (a *app) validationNetworks(config, list string, count int, seed uint64) ([]*blocks.Network, error) {
	switch {
	case (config == "") == (list == ""):
		return nil, usagef("want either --space CONFIG or --archs FILE")
	case list != "":
		return readArchs(list)
	case count < 1:
		return nil, usagef("--networks %d: want at least 1", count)
	}
	s, err := a.spaceOf(config)
	if err != nil {
		return nil, err
	}
	r := random.Stream(seed, "samples")
	var nets []*blocks.Network
	for range count {
		n, err := s.Arch(s.Sample(r)).Network()
		if err != nil {
			return nil, err
		}
		nets = append(nets, n)
	}
	return nets, nil
}

// readArchs reads a file with one ARCH a line; empty lines and lines that begin
// with # are skipped.
func readArchs(path string) ([]*blocks.Network, error) {
	f, err := boundedfile.Open(path)
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	var nets []*blocks.Network
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for i := 1; lines.Scan(); i++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		n, err := find(text)
		if err != nil {
			return nil, usagef("%s:%d: %w", path, i, err)
		}
		nets = append(nets, n.Network)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(nets) == 0 {
		return nil, usagef("%s lists no network: want one ARCH a line", path)
	}
	return nets, nil
}

func agreementOf(v *latency.Validation) report.Agreement {
	g := report.Agreement{
		Title: "Predicted against measured latency", Quantity: "latency in ms (" + v.Device + ")",
		Subtitle: fmt.Sprintf("mean absolute error %.1f %%, Kendall tau %.2f, 90 %% interval holds %.0f %%",
			v.MAPEPct, v.Kendall, v.Coverage),
		Notes: []string{fmt.Sprintf("Bars: 90 %% interval of the prediction. Noise floor: %.1f %%. "+
			"A line through the MACs errs by %.1f %%.", v.NoisePct, v.BaseMAPE)},
		Series: []report.AgreementSeries{{}},
	}
	for _, p := range v.Points {
		g.Series[0].Points = append(g.Series[0].Points,
			report.Prediction{Measured: p.MeasuredMs, Predicted: p.PredictedMs, Low: p.LowMs, High: p.HighMs})
	}
	return g
}
