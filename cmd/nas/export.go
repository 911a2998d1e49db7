package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/internal/atomicfile"
	"nas/internal/netfile"
	"nas/internal/resolve"
)

func newExport(a *app) *cobra.Command {
	var format, out, weights, batch string
	var seed uint64
	var onnx netfile.ONNX
	cmd := &cobra.Command{
		Use:   "export ARCH --format FORMAT --out FILE",
		Short: "Write a network to a file for other programs",
		Long: `Export writes a network to a file. Formats: ` + strings.Join(netfile.Writable(), ", ") + `. Without --format
the ending of the file's name decides; --out - writes to standard output.
Formats that hold weights get those of --weights, else the network's own, or ones
drawn from the seed. Format pytorch writes a Python module, net.py, and its
weights beside it, net.safetensors. Format onnx writes one file, N x C x H x W. A
network that came from an ONNX file keeps its number of images, the names of its
nodes, and names and layouts of its input and its outputs.`,
		Example: `  nas export results/mobile:17 --format json --out net.json
  nas export results/mobile:17 --format pytorch --out net.py
  nas export mobilenet_v3_small --opset 11 --batch dynamic --fold-bn --out net.onnx
  nas export mobilenet_v2 --format dot --out - | dot -Tsvg > net.svg`,
		Args: oneArch,
		RunE: func(cmd *cobra.Command, args []string) error {
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
			if format != "onnx" {
				for _, name := range onnxFlags {
					if cmd.Flags().Changed(name) {
						return usagef("--%s goes with --format onnx", name)
					}
				}
			} else if err := asFile(&onnx, batch, n); err != nil {
				return err
			}
			drawn := false
			draw := func() (*blocks.Weights, error) {
				drawn = weights == "" && n.Weights == nil && n.File == nil
				return weightsOf(n, weights, seed)
			}
			if out == "-" {
				data, err := netfile.Encode(format, n.Network, draw, onnx)
				if err != nil {
					return err
				}
				_, err = a.stdout.Write(data)
				return err
			}
			files, err := netfile.Files(format, out, n.Network, draw, onnx)
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
					fmt.Fprintf(a.stderr, "%s: %s, %sB\n", f.Path, n.Title, si(int64(len(f.Data))))
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
	flagsOf(cmd, &onnx, &batch)
	a.fileFlags(cmd)
	return cmd
}

// flagsOf gives export the flags that say how an ONNX file is written.
func flagsOf(cmd *cobra.Command, onnx *netfile.ONNX, batch *string) {
	cmd.Flags().IntVar(&onnx.Opset, "opset", 0, "the operator set `VERSION` of an ONNX file, 11 to 21 "+
		"(default: 17, or the first later one that has all operators)")
	cmd.Flags().StringVar(batch, "batch", "", "the number `N` of images of an ONNX file, or dynamic "+
		"(default: that of the file that the network came from, or 1)")
	cmd.Flags().BoolVar(&onnx.FoldBN, "fold-bn", false, "put batch normalisation into the layers before it")
	cmd.Flags().BoolVar(&onnx.NativeHardSwish, "native-hardswish", false,
		"write the ONNX operator HardSwish, not HardSigmoid and Mul")
}

// onnxFlags are the flags of export that ONNX files alone have.
var onnxFlags = []string{"opset", "batch", "fold-bn", "native-hardswish"}

// asFile completes how an ONNX file is written: names and the number of images are
// those of the file that the network came from, if the flag --batch names no other.
func asFile(o *netfile.ONNX, batch string, n *resolve.Network) error {
	if f := n.File; f != nil {
		o.Input, o.Outputs, o.Batch = *f.Input, f.Outputs, f.Input.Batch
		if o.Batch == 0 {
			o.Batch = netfile.OpenBatch
		}
	}
	if batch == "dynamic" {
		o.Batch = netfile.OpenBatch
	} else if batch != "" {
		b, err := strconv.Atoi(batch)
		if err != nil || b < 1 {
			return usagef("--batch %q: want a number of images, or dynamic", batch)
		}
		o.Batch = b
	}
	return nil
}
