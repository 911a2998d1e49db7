package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/internal/atomicfile"
	"nas/internal/netfile"
)

func newExport(a *app) *cobra.Command {
	var format, out, weights string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "export ARCH --format FORMAT --out FILE",
		Short: "Write a network to a file for other programs",
		Long: `Export writes a network to a file. Formats: ` + strings.Join(netfile.Writable(), ", ") + `. Without --format
the ending of the file's name decides; --out - writes to standard output.
Formats that hold weights get those of --weights, else the network's own, or ones
drawn from the seed. Format pytorch writes a Python module, net.py, and its
weights beside it, net.safetensors.`,
		Example: `  nas export results/mobile:17 --format json --out net.json
  nas export results/mobile:17 --format pytorch --out net.py
  nas export mobilenet_v2 --format dot --out - | dot -Tsvg > net.svg`,
		Args: oneArch,
		RunE: func(_ *cobra.Command, args []string) error {
			n, err := a.find(args[0])
			if err != nil {
				return err
			}
			if out == "" {
				return usagef("--out is missing: want a file, or - for standard output")
			}
			if format == "" {
				format = netfile.FormatOf(out)
			}
			if !slices.Contains(netfile.Writable(), format) {
				return usagef("--format %q: want one of %s", format, strings.Join(netfile.Writable(), ", "))
			}
			drawn := false
			draw := func() (*blocks.Weights, error) {
				drawn = weights == "" && n.Weights == nil
				return weightsOf(n, weights, seed)
			}
			if out == "-" {
				data, err := netfile.Encode(format, n.Network, draw)
				if err != nil {
					return err
				}
				_, err = a.stdout.Write(data)
				return err
			}
			files, err := netfile.Files(format, out, n.Network, draw)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
				return err
			}
			for _, f := range files {
				if err := atomicfile.WriteFile(f.Path, f.Data); err != nil {
					return err
				}
				if !a.quiet {
					fmt.Fprintf(a.stderr, "%s: %s, %sB\n", f.Path, n.Name, si(int64(len(f.Data))))
				}
			}
			if drawn && !a.quiet {
				fmt.Fprintf(a.stderr,
					"the weights are random (seed %d) until you train them; --weights FILE takes trained ones\n", seed)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "one of "+strings.Join(netfile.Writable(), ", "))
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "of weights that are drawn")
	cmd.Flags().StringVar(&weights, "weights", "", weightsHelp)
	a.fileFlags(cmd)
	return cmd
}
