package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nas/blocks/kernels"
	"nas/blocks/kernels/int8"
)

func newKernels(a *app) *cobra.Command {
	var filter, dtype string
	var each time.Duration
	cmd := &cobra.Command{
		Use:   "kernels",
		Short: "Time the kernels, as a share of this machine's peak",
		Long: `Kernels times the compute kernels on the layer shapes of well-known networks,
one thread, warm. Per cent of peak is the layer's lower decile against the rate of
multiply-adds on registers that the same instruction set reaches in between; with
--dtype int8 it is that of dot products of 8-bit integers.`,
		Example: `  nas kernels
  nas kernels --dtype int8 --filter pw
  nas kernels --filter dw --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, err := timeKernels(dtype, filter, each)
			if err != nil {
				return err
			}
			if len(v.Rows) == 0 {
				return usagef("--filter %q matches no layer", filter)
			}
			return v.print(a)
		},
	}
	cmd.Flags().StringVar(&filter, "filter", "", "only layers whose name contains `S`")
	cmd.Flags().StringVar(&dtype, "dtype", "float32", "float32 or int8, the type of weights and activations")
	cmd.Flags().DurationVar(&each, "each", 50*time.Millisecond, "time for each layer")
	a.jsonFlag(cmd)
	return cmd
}

// timeKernels times the kernels of a data type.
func timeKernels(dtype, filter string, each time.Duration) (v kernelsView, err error) {
	set, err := kernels.Default()
	if err != nil {
		return v, usage(err)
	}
	switch dtype {
	case "float32":
		return kernelsView{ISA: set.Name(), PeakGFLOPs: set.Peak(), Rows: set.Measure(filter, each)}, nil
	case "int8":
		bytes, err := int8.For(set.Name())
		if err != nil {
			return v, err
		}
		return kernelsView{ISA: bytes.Name(), PeakGFLOPs: bytes.PeakRate(), Rows: bytes.Measure(filter, each)}, nil
	}
	return v, usagef("--dtype %q: want float32 or int8", dtype)
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
