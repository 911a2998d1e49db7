package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nas/blocks/kernels"
)

func newKernels(a *app) *cobra.Command {
	var filter string
	var each time.Duration
	cmd := &cobra.Command{
		Use:   "kernels",
		Short: "Time the kernels, as a share of this machine's peak",
		Long: `Kernels times the compute kernels on the layer shapes of well-known networks,
one thread, warm. Per cent of peak is the layer's lower decile against the rate of
multiply-adds on registers that the same instruction set reaches in between.`,
		Example: `  nas kernels
  nas kernels --filter dw --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := kernels.Default()
			if err != nil {
				return usage(err)
			}
			v := kernelsView{ISA: set.Name(), PeakGFLOPs: set.Peak(), Rows: set.Measure(filter, each)}
			if len(v.Rows) == 0 {
				return usagef("--filter %q matches no layer", filter)
			}
			return v.print(a)
		},
	}
	cmd.Flags().StringVar(&filter, "filter", "", "only layers whose name contains `S`")
	cmd.Flags().DurationVar(&each, "each", 50*time.Millisecond, "time for each layer")
	a.jsonFlag(cmd)
	return cmd
}

type kernelsView struct {
	ISA        string          `json:"isa"`
	PeakGFLOPs float64         `json:"peak_gflops"`
	Rows       []kernels.Speed `json:"rows"`
}

func (v kernelsView) print(a *app) error {
	if a.json {
		return a.writeJSON(v)
	}
	t := table{head: []string{"kernel", "shape", "variant", "median us", "p10 us", "GFLOP/s", "% of peak", "GB/s"}}
	for _, r := range v.Rows {
		t.add(r.Name, r.Shape, r.Variant, ms(r.MedianUs), ms(r.P10Us), fmt.Sprintf("%.1f", r.GFLOPS),
			fmt.Sprintf("%.1f", r.PctOfPeak), fmt.Sprintf("%.1f", r.GBPerS))
	}
	t.write(a.stdout)
	a.printf("\n%s, peak %.1f GFLOP/s on one core\n", v.ISA, v.PeakGFLOPs)
	return nil
}
