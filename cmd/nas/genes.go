package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"nas/internal/importance"
	"nas/internal/results"
)

func newGenes(a *app) *cobra.Command {
	var o importance.Options
	cmd := &cobra.Command{
		Use:   "genes DIR",
		Short: "Say which genes the latency and the accuracy of a run depend on",
		Long: `Genes fits a model to the trials of a run, finished or not, and decomposes its variance
over the whole space (functional ANOVA). For each line of the config it prints the
share of the variance that the gene explains by itself, and with all that it does
together with other genes; then the pairs of genes that act together. Intervals are
90 % ones, over resamples of the trials. A gene of a block that is not in all networks
counts as often as the block is there.

nas space CONFIG --narrow DIR writes the space without the genes that do not matter.`,
		Example: `  nas genes results/mobile
  nas genes results/mobile --each --json
  nas plot results/mobile --what importance --out importance.svg`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want the directory of one run, such as results/mobile, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := results.Load(args[0])
			if err != nil {
				return usage(err)
			}
			reports, err := importance.OfRun(cmd.Context(), s, o)
			if err != nil {
				return usage(err)
			}
			if a.json {
				return a.writeJSON(map[string]any{"objectives": reports})
			}
			for i, r := range reports {
				if i > 0 {
					a.printf("\n")
				}
				a.printImportance(r)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&o.Each, "each", false, "each gene of each block by itself, not the lines of the config")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printImportance(r *importance.Report) {
	unit := ""
	if r.Unit != "" {
		unit = " " + r.Unit
	}
	a.printf("%s: standard deviation over the space %.3g%s; fitted to %d trials, of unseen ones it explains %.0f %%\n",
		r.Value, r.SD, unit, r.Trials, r.Explained)
	t := table{head: []string{"gene", "genes", "in % of networks", "by itself %", "in all %", "from", "to", ""}}
	for _, g := range r.Genes {
		verdict := ""
		if g.Noise {
			verdict = "no more than noise"
		}
		t.add(g.Name, g.Count, fmt.Sprintf("%.0f", g.Live), pct1(g.First.Pct), pct1(g.Total.Pct), pct1(g.Total.Low),
			pct1(g.Total.High), verdict)
	}
	t.write(a.stdout)
	if len(r.Pairs) == 0 {
		return
	}
	a.printf("\ntogether:\n")
	t = table{head: []string{"gene", "and", "%", "from", "to"}}
	for _, p := range r.Pairs[:min(len(r.Pairs), 6)] {
		t.add(p.A, p.B, pct1(p.Share.Pct), pct1(p.Share.Low), pct1(p.Share.High))
	}
	t.write(a.stdout)
}

// pct1 is a share in per cent to a tenth; 0 for one that an estimate puts below it.
func pct1(v float64) string { return fmt.Sprintf("%.1f", max(0, v)) }
