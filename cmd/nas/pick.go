package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nas/internal/results"
)

func newPick(a *app) *cobra.Command {
	var latency, weights string
	var knee, sure bool
	var hypervolume int
	cmd := &cobra.Command{
		Use:   "pick DIR",
		Short: "Choose members of a run's front by a rule, and say why",
		Long: `Pick chooses from the front of a run by one of these rules; the knee if none is
given:

  --latency 20ms       the most accurate within a predicted latency; with --sure
                       the upper end of its interval must be within it too
  --knee               where the front bends most
  --hypervolume N      the N that together dominate most
  --weights latency=1,accuracy=2
                       the least weighted sum, objectives scaled over the front`,
		Example: `  nas pick results/mobile --latency 20ms
  nas pick results/mobile --hypervolume 3 --json
  nas pick results/mobile --weights latency=1,accuracy=2`,
		Args: oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			rules := []results.PickRule{}
			f := cmd.Flags()
			if f.Changed("latency") {
				ms, err := parseMs("--latency", latency)
				if err != nil {
					return err
				}
				rules = append(rules, results.WithinBudget{Ms: ms, Sure: sure})
			}
			if f.Changed("hypervolume") {
				rules = append(rules, results.ByHypervolume{N: hypervolume})
			}
			if f.Changed("weights") {
				w, err := parseWeights(weights)
				if err != nil {
					return err
				}
				rules = append(rules, w)
			}
			if knee || len(rules) == 0 {
				rules = append(rules, results.AtKnee{})
			}
			if len(rules) > 1 {
				return usagef("want one of --latency, --knee, --hypervolume and --weights")
			}
			if sure && !f.Changed("latency") {
				return usagef("--sure goes with --latency")
			}
			s, err := results.LoadTold(args[0])
			if err != nil {
				return usage(err)
			}
			picked, err := s.Pick(rules[0])
			if err != nil {
				return err
			}
			return a.printPicked(args[0], picked)
		},
	}
	f := cmd.Flags()
	f.StringVar(&latency, "latency", "", "the most accurate within a latency such as `20ms`")
	f.BoolVar(&sure, "sure", false, "hold the upper end of the latency's interval against --latency")
	f.BoolVar(&knee, "knee", false, "where the front bends most")
	f.IntVar(&hypervolume, "hypervolume", 0, "the `N` members that together dominate most")
	f.StringVar(&weights, "weights", "", "the least weighted sum, such as `latency=1,accuracy=2`")
	a.jsonFlag(cmd)
	return cmd
}

func oneRun(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want the directory of one run, such as results/mobile, got %d arguments", len(args))
	}
	return nil
}

// parseMs reads a time such as 20ms.
func parseMs(flag, text string) (float64, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, usagef("%s %q: want a time such as 20ms", flag, text)
	}
	return float64(d) / float64(time.Millisecond), nil
}

func parseWeights(text string) (results.ByWeights, error) {
	w := results.ByWeights{}
	for _, part := range strings.Split(text, ",") {
		name, number, ok := strings.Cut(part, "=")
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !ok || err != nil {
			return nil, usagef("--weights %q: want pairs such as latency=1,accuracy=2", text)
		}
		w[strings.TrimSpace(name)] = v
	}
	return w, nil
}

type pickedView struct {
	ID         int                `json:"id"`
	ArchID     string             `json:"arch_id"`
	Arch       string             `json:"arch"`
	Objectives map[string]float64 `json:"objectives"`
	Parts      map[string]float64 `json:"parts"`
	Why        string             `json:"why"`
	Expected   *float64           `json:"accuracy_expected,omitempty"`
	Warnings   []string           `json:"warnings"`
}

func (a *app) printPicked(dir string, picked []results.Picked) error {
	views := make([]pickedView, len(picked))
	for i, p := range picked {
		parts := map[string]float64{}
		for k, v := range p.Parts {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				parts[k] = v
			}
		}
		views[i] = pickedView{p.ID, p.ArchID, p.Arch, p.Objectives, parts, p.Why, nil, append([]string{}, p.Warnings...)}
		if !math.IsNaN(p.Expected) {
			views[i].Expected = &p.Expected
		}
	}
	if a.json {
		return a.writeJSON(map[string]any{"picks": views})
	}
	for i, v := range views {
		if i > 0 {
			a.printf("\n")
		}
		a.printf("%s\n  %s\n  %s\n", fmt.Sprintf("%s:%d", strings.TrimSuffix(dir, "/"), v.ID), v.Why, v.Arch)
	}
	return nil
}
