package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nas/internal/device"
	"nas/internal/resolve"
	"nas/latency"
	"nas/latency/timing"
)

// maxBenchRuns bounds the times that are kept: 8 MB.
const maxBenchRuns = 1_000_000

// longestWait bounds the times that may be asked for: more is a slip of the pen.
const longestWait = 24 * time.Hour

// checkBench checks the numbers of nas bench.
func checkBench(runs int, budget, sustained time.Duration) error {
	switch {
	case runs < 0 || budget <= 0 || sustained < 0:
		return usagef("--runs, --budget and --sustained must be positive")
	case budget > longestWait || sustained > longestWait:
		return usagef("--budget and --sustained: want at most %v", longestWait)
	case runs > maxBenchRuns:
		return usagef("--runs %d is too many, at most %d are kept", runs, maxBenchRuns)
	}
	return nil
}

func newBench(a *app) *cobra.Command {
	var runs int
	var weights string
	var on device.Choice
	var budget, sustained time.Duration
	cmd := &cobra.Command{
		Use:   "bench ARCH...",
		Short: "Measure the latency of networks",
		Long: `Bench runs networks with this program's kernels, or by a device recipe, one image at a
time. It prints the median and the 10th and 90th percentile of the runs. Nothing else
should be running.`,
		Example: `  nas bench mobilenet_v2 mobilenet_v3_large
  nas bench mobilenet_v2 --dtype int8
  nas bench results/mobile:17 --threads 2 --runs 200 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("want at least one network: ARCH is %s", archForms)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkBench(runs, budget, sustained); err != nil {
				return err
			}
			if weights != "" && (len(args) > 1 || on.Device != "" || on.DType == "int8") {
				return usagef("--weights is for one network, run in float32 by this program's kernels")
			}
			rt, err := runtimeOf(on)
			if err != nil {
				return err
			}
			t := table{head: []string{"network", "median ms", "p10", "p90", "runs", "GMAC/s"}}
			var views []benchView
			for _, arg := range args {
				n, err := a.find(arg)
				if err != nil {
					return err
				}
				o := timing.MeasureOptions{
					Runs: runs, Budget: budget, Sustained: sustained, Baseline: latency.CachedBaseline(rt.Device()),
				}
				if weights != "" {
					if o.Weights, err = a.weightsOf(n, weights, 0); err != nil {
						return err
					}
				}
				s, err := benchOne(cmd.Context(), n, rt, o)
				if err != nil {
					return err
				}
				views = append(views, benchViewOf(n.Title, s, rt.Device()))
				if s.P10Ms == 0 && s.P5Ms > 0 {
					t.head[2], t.head[3] = "p5", "p95"
				}
				t.add(n.Title, ms(s.MedianMs), known(cmp.Or(s.P10Ms, s.P5Ms)), known(cmp.Or(s.P90Ms, s.P95Ms)), s.Runs,
					fmt.Sprintf("%.1f", float64(n.Counts().MACs)/1e6/s.MedianMs))
			}
			if a.json {
				if len(views) == 1 {
					return a.writeJSON(views[0])
				}
				return a.writeJSON(map[string]any{"networks": views})
			}
			t.write(a.stdout)
			a.printf("\n%s\n", rt.Device())
			for _, v := range views {
				a.warn(v.Warnings)
			}
			return nil
		},
	}
	f := cmd.Flags()
	deviceFlags(cmd, &on, "what runs them", "threads")
	f.IntVar(&runs, "runs", 0,
		fmt.Sprintf("timed runs (default: until the median is known to %g %%)", 100*timing.MedianPrecision))
	f.StringVar(&weights, "weights", "", weightsHelp+"; random ones, the default, take the same time")
	f.DurationVar(&budget, "budget", time.Second, "time for each network where --runs is not given")
	f.DurationVar(&sustained, "sustained", 0, "run for so long before the first timing, to time steady work")
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

// benchOne measures a network, without the rounding that a file of integers does unless it has weights.
func benchOne(
	ctx context.Context, n *resolve.Network, rt timing.Runtime, o timing.MeasureOptions,
) (s timing.Sample, err error) {
	timed := n.Network
	if o.Weights == nil {
		if timed, err = inFloats(n); err != nil {
			return s, err
		}
	}
	s, err = timing.Measure(ctx, timed, rt, o)
	s.Warnings = append(s.Warnings, asFloats(n, rt.Device())...)
	return s, err
}

// known is the text of a time; a dash for 0, which stands for one that is not known.
func known(v float64) string {
	if v == 0 {
		return "-"
	}
	return ms(v)
}

type benchView struct {
	Name     string   `json:"name"`
	MedianMs float64  `json:"median_ms"`
	P5Ms     float64  `json:"p5_ms,omitempty"` // percentiles that the device tells
	P10Ms    float64  `json:"p10_ms,omitempty"`
	P90Ms    float64  `json:"p90_ms,omitempty"`
	P95Ms    float64  `json:"p95_ms,omitempty"`
	Runs     int      `json:"runs"`
	Threads  int      `json:"threads"`
	Device   string   `json:"device"`
	Warnings []string `json:"warnings"`
}

func benchViewOf(network string, s timing.Sample, d timing.Device) benchView {
	return benchView{
		network, s.MedianMs, s.P5Ms, s.P10Ms, s.P90Ms, s.P95Ms, s.Runs, d.Threads, d.String(), warnings(s.Warnings),
	}
}

// warnings is an empty list rather than null in JSON.
func warnings(w []string) []string {
	if w == nil {
		return []string{}
	}
	return w
}
