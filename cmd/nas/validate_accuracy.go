package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nas/accuracy"
)

func newValidateAccuracy(a *app) *cobra.Command {
	var o struct {
		benchmark, proxies, split string
		seed                      uint64
		workers                   int
	}
	names := strings.Join(accuracy.Benchmarks(), ", ")
	cmd := &cobra.Command{
		Use:   "accuracy",
		Short: "Scores against trained accuracy",
		Long: `Every network of a table that somebody trained is scored, and the scores are set
against the trained accuracies: rank correlation over all, the same among networks
of equal MACs, and the accuracy lost by trusting the score under ten MACs budgets.
Intervals are 90 %, from resampling networks.

Benchmarks: ` + names + `. Scores: ` + strings.Join(accuracy.Names(), ", ") + `.`,
		Example: `  nas validate accuracy --benchmark macro --proxy "rankmean(naswot,depth),macs"
  nas validate accuracy --benchmark published --proxy imagenet --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(accuracy.Benchmarks(), o.benchmark) {
				return usagef("--benchmark %q: want one of %s", o.benchmark, names)
			}
			specs := splitSpecs(o.proxies)
			if len(specs) == 0 {
				return usagef("--proxy is missing: want one or more of %s", strings.Join(accuracy.Names(), ", "))
			}
			for _, s := range specs {
				if err := accuracy.CheckSpec(s); err != nil {
					return usagef("--proxy %s: %w", s, err)
				}
			}
			splits := []accuracy.Split{accuracy.AllNetworks, accuracy.Development, accuracy.HeldOut}
			if !slices.Contains(splits, accuracy.Split(o.split)) {
				return usagef("--split %q: want one of %v", o.split, splits)
			}
			b, err := accuracy.OpenBenchmark(o.benchmark)
			if err != nil {
				return err
			}
			r, err := accuracy.Validate(cmd.Context(), b, specs, accuracy.ValidateOptions{Seed: o.seed, Split: accuracy.Split(o.split), Workers: o.workers})
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(r)
			}
			a.printf("%s (%s), %d networks, split %s\n\n", r.Benchmark, r.Source, r.Networks, r.Split)
			t := table{head: []string{"score", "tau", "90 %", "same-cost tau", "Spearman", "mean regret", "worst", "ms a network"}}
			for _, name := range slices.Sorted(maps.Keys(r.Proxies)) {
				p := r.Proxies[name]
				same := "-"
				if p.SameCostTau != nil {
					same = fmt.Sprintf("%.3f", *p.SameCostTau)
				}
				t.add(name, fmt.Sprintf("%.3f", p.KendallTau), fmt.Sprintf("%.3f - %.3f", p.TauInterval[0], p.TauInterval[1]), same, fmt.Sprintf("%.3f", p.Spearman),
					fmt.Sprintf("%.2f", p.RegretMean), fmt.Sprintf("%.2f", p.RegretWorst), ms(p.MsPerNetwork))
			}
			t.write(a.stdout)
			for _, name := range slices.Sorted(maps.Keys(r.Proxies)) {
				if n := r.Proxies[name].Note; n != "" {
					a.printf("\n%s: %s\n", name, n)
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.benchmark, "benchmark", "", "one of "+names)
	f.StringVar(&o.proxies, "proxy", "", "scores, `NAME[,NAME]`")
	f.StringVar(&o.split, "split", string(accuracy.AllNetworks), "part of the networks: all, development (formulas were chosen on it) or held-out")
	f.Uint64Var(&o.seed, "seed", 0, "of the scores and of resampling")
	f.IntVar(&o.workers, "workers", 0, "networks scored at once (default: one a core)")
	a.jsonFlag(cmd)
	return cmd
}

// splitSpecs splits at the commas outside parentheses: a score such as
// rankmean(naswot,depth) has some inside.
func splitSpecs(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range s + "," {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth <= 0:
			if t := strings.TrimSpace((s + ",")[from:i]); t != "" {
				out = append(out, t)
			}
			from = i + 1
		}
	}
	if t := strings.TrimSpace(s[min(from, len(s)):]); t != "" {
		out = append(out, t) // a parenthesis is not closed: let the parser say so
	}
	return out
}
