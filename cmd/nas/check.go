package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nas/internal/forecast"
	"nas/internal/plural"
	"nas/internal/work"
)

func newCheck(a *app) *cobra.Command {
	var profiles []string
	var workers int
	var accept bool
	var against againstOptions
	cmd := &cobra.Command{
		Use:   "check CONFIG | MODEL --against FILE",
		Short: "Say what a run will cost, before hours are spent; or whether a model got slower",
		Long: `Check reads a config as a run does, and judges a sample of its space: how many networks
hold each limit, which genes the accuracy score cannot see, and about how long the
search takes. With an evaluator it trains the smallest network of the sample for one
epoch, and one of median size for two: a command that does not work is found within
a minute. It then trains the smallest one with two to four seeds, where that takes no
longer than a minute or a fiftieth of the search, and says how far apart two networks
must be for their order to mean something.

With --against it says whether a model is faster or slower than another network, or
than the one in a baseline file that --update has written. It measures both in turn, in
random order, until that is decided with 95 %, however often it was looked at. The model
is slower if its latency is above the other's beyond doubt and by --tolerance as far as
is known; it is the same if it is within --tolerance beyond doubt. Where --budget ends
before that, the two cannot be told apart on this machine today. With --profile the
latencies are predicted and nothing is measured. Exit codes: 0 same or faster, 1 slower,
3 cannot be told.`,
		Example: `  nas check configs/mobile.toml
  nas check trained.onnx --against baseline.json --update
  nas check trained.onnx --against baseline.json
  nas check trained.onnx --against mobilenet_v2 --tolerance 5`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && against.file == "" && filepath.Ext(args[0]) != ".toml" {
				return usagef("%s is no config, whose name ends in .toml: a model is checked with --against FILE", args[0])
			}
			return oneConfig(nil, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if against.file != "" {
				if accept {
					return usagef("--accept-profile is for a config: leave it out")
				}
				return a.checkModel(cmd, args[0], profiles, against)
			}
			for _, name := range []string{"update", "tolerance", "budget", "device", "dtype", "threads"} {
				if cmd.Flags().Changed(name) {
					return usagef("--%s is for a model with --against FILE: leave it out, or add that", name)
				}
			}
			return a.checkConfig(cmd, args[0], profiles, workers, accept)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&profiles, "profile", nil, "latency profile, `[NAME=]FILE`, instead of the config's; of a model FILE")
	f.IntVar(&workers, "workers", 0, "networks scored at once (default: one a core)")
	acceptProfile(f, &accept)
	against.flags(cmd)
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

// checkConfig is nas check CONFIG.
func (a *app) checkConfig(cmd *cobra.Command, path string, profiles []string, workers int, accept bool) error {
	c, err := a.loadConfig(path, setProfiles(profiles))
	if err != nil {
		return err
	}
	if accept {
		c.AcceptProfiles()
	}
	m := a.meter
	defer m.end()
	f, err := forecast.Of(cmd.Context(), c, work.Options{Workers: workers, Say: m.say, Progress: m.progress})
	m.end()
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(f)
	}
	a.printForecast(f)
	return nil
}

func (a *app) printForecast(f *forecast.Forecast) {
	a.printf("%s: %s networks; of %d drawn from them, %.3g %% hold the limits\n", f.Config, f.Networks, f.Sampled,
		f.HoldPct)
	for _, l := range f.Limits {
		a.printf("  %s: %.3g %%\n", l.Limit, l.HoldPct)
	}
	if len(f.Blind) > 0 {
		a.printf("the score cannot see %s: nas space %s --audit says what wins\n", strings.Join(f.Blind, ", "),
			shellWord(f.Config))
	}
	if t := f.Training; t != nil {
		a.printf("%s: the smallest network has %.4g after one epoch, in %s\n", t.Recipe, t.Accuracy, about(t.SmallestS))
		for i, r := range t.Rungs {
			a.printf("  rung %d, to %s: about %s for a network of median size", i+1, plural.Of(r.Epochs, "epoch"),
				about(r.Seconds))
			if !t.AtMost {
				a.printf("; %.3g %% of the candidates come to it", r.SharePct)
			}
			a.printf("\n")
		}
		a.printSeeds(t)
		how := "about"
		if t.AtMost {
			how = "the searcher decides how far; with all to the end it takes about"
		}
		a.printf("the search trains %s, %d at once: %s %s\n", plural.Of(f.Evaluations, "candidate"), t.Slots, how,
			about(f.RunS))
		return
	}
	a.printf("a score takes %.3g ms: about %s for %s\n", f.ScoreMs, about(f.RunS), plural.Of(f.Evaluations, "evaluation"))
}

// printSeeds says how much seeds change, and what that means for a front.
func (a *app) printSeeds(t *forecast.Training) {
	s := t.Seeds
	switch {
	case s == nil:
		a.printf("how much the accuracy differs between seeds was not tried: it takes %s or more\n", about(t.SeedsS))
		return
	case s.SD == 0:
		a.printf("%d seeds gave the smallest network the same accuracy, %.4g, after %s: either nothing in the training is "+
			"random, or the command does not use {seed}\n", len(s.Accuracy), s.Accuracy[0], plural.Of(s.Epochs, "epoch"))
		return
	}
	a.printf("%d seeds gave the smallest network %.4g to %.4g after %s, a standard deviation of about %.2g",
		len(s.Accuracy), slices.Min(s.Accuracy), slices.Max(s.Accuracy), plural.Of(s.Epochs, "epoch"), s.SD)
	if s.Epochs < s.Of {
		a.printf(" (after all %d it may be less)", s.Of)
	}
	a.printf(":\n  of two networks on the front that differ by less than %.2g either may be the better one", s.Apart)
	if t.SD == 0 {
		a.printf("; sd = %.2g in the recipe gives the front its intervals", s.SD)
	} else if r := s.SD / t.SD; r > 2 || r < 0.5 {
		a.printf("; the recipe says sd = %.2g", t.SD)
	}
	a.printf("\n")
}

// about is a time in seconds, as a person says it.
func about(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2g s", seconds)
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", seconds)
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", seconds/60)
	}
	return fmt.Sprintf("%.1f hours", seconds/3600)
}
