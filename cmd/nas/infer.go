package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"nas/blocks/engine"
)

func newInfer(a *app) *cobra.Command {
	var input, output, weights string
	var seed uint64
	var threads int
	cmd := &cobra.Command{
		Use:   "infer ARCH --input x.npy --output y.npy",
		Short: "Run a network on the images of a NumPy file",
		Long: `Infer runs a network on float32 images, H x W x C or N x H x W x C, and writes
what it returns. Weights are those of --weights, else the network's own, or drawn
from the seed.`,
		Example: `  nas infer mobilenet_v2 --input x.npy --output y.npy --seed 1
  nas infer results/mobile:17 --weights trained.safetensors --input x.npy --output y.npy`,
		Args: oneArch,
		RunE: func(_ *cobra.Command, args []string) error {
			if input == "" || output == "" {
				return usagef("want --input and --output, two .npy files")
			}
			n, err := find(args[0])
			if err != nil {
				return err
			}
			x, shape, err := readNPY(input)
			if err != nil {
				return err
			}
			s := n.Input()
			want := []int{s.H, s.W, s.C}
			images := 1
			if len(shape) == 4 {
				images, shape = shape[0], shape[1:]
			}
			if len(shape) != 3 || shape[0] != want[0] || shape[1] != want[1] || shape[2] != want[2] || images < 1 {
				return usagef("%s holds images of shape %v, %s wants %v (height, width, channels)", input, shape, n.Name, want)
			}
			w, err := weightsOf(n, weights, seed)
			if err != nil {
				return err
			}
			p, err := engine.Compile(n.Network, engine.Host(threads), engine.Options{})
			if err != nil {
				return err
			}
			if err := p.Bind(w); err != nil {
				return err
			}
			y := make([]float32, images*p.OutLen())
			for i := range images {
				if err := p.Run(y[i*p.OutLen():(i+1)*p.OutLen()], x[i*p.InLen():(i+1)*p.InLen()]); err != nil {
					return err
				}
			}
			o := n.Output()
			out := []int{images, o.H, o.W, o.C}
			if o.IsVector() {
				out = []int{images, o.C}
			}
			f, err := os.Create(output)
			if err != nil {
				return err
			}
			if err := writeNPY(f, y, out); err != nil {
				f.Close()
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "%s: %v\n", output, out)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&input, "input", "", "the `FILE` with the images")
	f.StringVar(&output, "output", "", "the `FILE` to write")
	f.Uint64Var(&seed, "seed", 0, "of weights that are drawn")
	f.StringVar(&weights, "weights", "", weightsHelp)
	f.IntVar(&threads, "threads", 1, "threads")
	return cmd
}
