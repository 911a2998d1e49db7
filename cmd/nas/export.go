package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/internal/netfile"
	"nas/internal/resolve"
)

func newExport(a *app) *cobra.Command {
	var format, out, weights, batch string
	var seed uint64
	var form netfile.Form
	var integers integerFlags
	var parent inheritFlags
	cmd := &cobra.Command{
		Use:   "export ARCH --format FORMAT --out FILE",
		Short: "Write a network to a file for other programs",
		Long: `Export writes a network to a file. Formats: ` + strings.Join(netfile.Writable(), ", ") + `. Without --format
the ending of the file's name decides; --out - writes to standard output.
Formats that hold weights get those of --weights, else the network's own, or ones
drawn from the seed; with --inherit those of a network near this one, as far as there
is a place for them, whose batch normalisation is fitted to the images of --data.
Format pytorch writes a Python module, net.py, and its weights beside it,
net.safetensors. Format onnx writes one file, N x C x H x W. A
network that came from an ONNX file keeps its number of images, the names of its
nodes, and names and layouts of its input and its outputs. Format tflite writes one
file for TensorFlow Lite and LiteRT, N x H x W x C. With --quantize int8 an .onnx or
.tflite file is one of 8-bit integers, .onnx of QuantizeLinear and DequantizeLinear
(QDQ). Their ranges come from the images of --calibrate: a .npy file of values as
in training, or a folder of PNG and JPEG files, which are scaled and cut as nas infer
does, with values of (value/255 - mean) / std. A hundred images of the kind that the
network will see are enough. Without --calibrate the ranges are those of noise: good
for timing, not for use. Format c-array writes a .tflite file of integers as an array
of C++, net.cc, and its header, net.h, for TensorFlow Lite Micro.`,
		Example: `  nas export results/mobile:17 --format json --out net.json
  nas export results/mobile:17 --format pytorch --out net.py
  nas export mobilenet_v3_small --opset 11 --batch dynamic --fold-bn --out net.onnx
  nas export results/mobile:17 --weights trained.safetensors --out net.tflite --quantize int8 --calibrate photos
  nas export results/mobile:17 --weights trained.safetensors --out net.onnx --quantize int8 --calibrate photos
  nas export results/mcu:17 --format c-array --out net.cc
  nas export mobilenet_v2 --format dot --out - | dot -Tsvg > net.svg`,
		Args: oneArch,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := a.find(args[0])
			if err != nil {
				return err
			}
			if format, err = a.formatOf(cmd, format, out); err != nil {
				return err
			}
			if err := asFile(&form.ONNX, batch, n); err != nil {
				return err
			}
			if format == "c-array" { // for microcontrollers
				integers.quantize = "int8"
				if !cmd.Flags().Changed("io") {
					integers.io = "int8"
				}
			}
			if form.Integers, err = a.integers(integers, n, seed); err != nil {
				return err
			}
			drawn := false
			draw := func() (*blocks.Weights, error) {
				drawn = weights == "" && parent.from == "" && !hasWeights(n)
				return a.inherited(n, parent, weights, seed)
			}
			if a.isStdout(out) {
				data, err := netfile.Encode(format, n.Network, draw, form)
				if err != nil {
					return err
				}
				if format == "json" || format == "toml" { // which escape characters alike
					data = printableJSON(data)
				}
				_, err = a.out.Write(data)
				return err
			}
			files, err := netfile.Files(format, out, n.Network, draw, form)
			if err != nil {
				return err
			}
			if err := a.saveExported(files, n, weights); err != nil {
				return err
			}
			if drawn && !a.quiet {
				a.notef("the weights are random (seed %d) until you train them; --weights FILE takes trained ones\n", seed)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "one of "+strings.Join(netfile.Writable(), ", "))
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, - for standard output")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "of weights that are drawn")
	cmd.Flags().StringVar(&weights, "weights", "", weightsHelp)
	parent.flags(cmd)
	cmd.Flags().StringVar(&parent.data, "data", "", "with --inherit, the `DIR` of images as of nas train, for the "+
		"statistics of batch normalisation (default: those of the parent)")
	flagsOf(cmd, &form.ONNX, &batch)
	integers.flags(cmd)
	a.fileFlags(cmd)
	return cmd
}

// saveExported writes the files of a network.
func (a *app) saveExported(files []netfile.File, n *resolve.Network, weights string) error {
	if err := keepsTrained(files, weights); err != nil {
		return err
	}
	for _, f := range files {
		if err := a.save(f.Path, func(w io.Writer) error { _, err := w.Write(f.Data); return err }); err != nil {
			return err
		}
		if !a.quiet {
			a.notef("%s: %s, %sB\n", f.Path, n.Title, si(int64(len(f.Data))))
		}
	}
	return nil
}

// keepsTrained returns an error if writing the files would replace weights other than those of --weights. The
// user has named the first file alone, and may have trained what lies in the others.
func keepsTrained(files []netfile.File, weights string) error {
	for _, f := range files[1:] {
		old, err := os.ReadFile(f.Path)
		if err == nil && !bytes.Equal(old, f.Data) && filepath.Clean(weights) != filepath.Clean(f.Path) {
			return usagef("%s is there already, with other weights: give another --out, or move it away", f.Path)
		}
	}
	return nil
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

// formatOf checks the flags that say where to write, and returns the format.
func (a *app) formatOf(cmd *cobra.Command, format, out string) (string, error) {
	if out == "" {
		return "", usagef("--out is missing: want a file, or - for standard output")
	}
	if err := a.place("--out", out); err != nil {
		return "", err
	}
	if format == "" {
		format = netfile.FormatOf(out)
	}
	if !slices.Contains(netfile.Writable(), format) {
		return "", usagef("--format %q: want one of %s", format, strings.Join(netfile.Writable(), ", "))
	}
	return format, flagsFit(cmd, format)
}

// flagFormats are the formats that a flag of export goes with.
var flagFormats = []struct{ formats, flags []string }{
	{[]string{"onnx"}, []string{"opset", "batch", "fold-bn", "native-hardswish"}},
	{[]string{"tflite", "c-array"}, []string{"io"}},
	{[]string{"tflite", "onnx", "c-array"}, []string{"quantize", "per-tensor", "calibrate", "mean", "std", "equalize"}},
}

// flagsFit refuses flags of other formats.
func flagsFit(cmd *cobra.Command, format string) error {
	for _, f := range flagFormats {
		for _, name := range f.flags {
			if !slices.Contains(f.formats, format) && cmd.Flags().Changed(name) {
				return usagef("--%s goes with --format %s", name, strings.Join(f.formats, " or "))
			}
		}
	}
	if v, err := cmd.Flags().GetInt("opset"); err == nil && cmd.Flags().Changed("opset") && (v < 11 || v > 21) {
		return usagef("--opset %d: want 11 to 21", v)
	}
	return nil
}

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

// integerFlags say how export quantises.
type integerFlags struct {
	quantize, io, images string
	mean, std            string
	perTensor, equalize  bool
}

func (f *integerFlags) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.quantize, "quantize", "", "int8 writes an .onnx or .tflite file of 8-bit integers")
	fs.StringVar(&f.io, "io", "float", "with --quantize, the type of input and outputs of a .tflite file, float or int8")
	f.rangeFlags(cmd, "with --quantize, ")
}

// rangeFlags are those that say how, but not what.
func (f *integerFlags) rangeFlags(cmd *cobra.Command, with string) {
	fs := cmd.Flags()
	fs.BoolVar(&f.perTensor, "per-tensor", false,
		with+"one scale for all weights of a layer, not one for each output channel")
	fs.BoolVar(&f.equalize, "equalize", false,
		with+"first give the channels between neighbouring convolutions ranges alike")
	fs.StringVar(
		&f.images,
		"calibrate",
		"",
		with+"a `FILE`.npy of images, N x H x W x C, or a folder of PNG and "+
			"JPEG files, whose values set the ranges (default: eight images of normal noise from --seed)",
	)
	fs.StringVar(
		&f.mean,
		"mean",
		"",
		"`NUMBERS` taken from the pictures of --calibrate, of values of 0 to 1: one, or one for "+
			"each channel (default 0)",
	)
	fs.StringVar(&f.std, "std", "", "`NUMBERS` by which pictures are divided then (default 1)")
}

// mostCalibration bounds the values of all images that ranges are taken from: 512 MiB.
const mostCalibration = 1 << 27

// integers returns how to quantise, nil for floats.
func (a *app) integers(f integerFlags, n *resolve.Network, seed uint64) (*netfile.Integers, error) {
	given := f.perTensor || f.equalize || f.images != "" || f.io != "float" || f.mean != "" || f.std != ""
	switch {
	case f.quantize == "" && given:
		return nil, usagef("--per-tensor, --equalize, --io, --calibrate, --mean and --std go with --quantize int8")
	case f.quantize == "":
		return nil, nil
	case f.quantize != "int8":
		return nil, usagef("--quantize %q: want int8", f.quantize)
	case f.io != "float" && f.io != "int8":
		return nil, usagef("--io %q: want float or int8", f.io)
	case f.images == "" && (f.mean != "" || f.std != ""):
		return nil, usagef("--mean and --std are for the pictures of --calibrate, which is missing")
	}
	o := &netfile.Integers{PerTensor: f.perTensor, Equalize: f.equalize, FloatEdges: f.io == "float", Seed: seed}
	if f.images == "" {
		return o, nil
	}
	shown, err := openPictures(f.images, f.mean, f.std)
	if err != nil {
		return nil, err
	}
	if shown != nil {
		o.Images, err = a.calibrationPictures(shown, n)
	} else {
		o.Images, err = calibrationArray(f.images, n.Network.Input())
	}
	return o, err
}

// calibrationPictures reads pictures, or an even part of very many.
func (a *app) calibrationPictures(p *pictures, n *resolve.Network) ([][]float32, error) {
	s := n.Network.Input()
	if err := p.check(s, n.Name); err != nil {
		return nil, err
	}
	step := (len(p.files)*s.Elems() + mostCalibration - 1) / mostCalibration
	if step > 1 && !a.quiet {
		a.notef("ranges are taken from every %dth of %d pictures\n", step, len(p.files))
	}
	var images [][]float32
	for i := 0; i < len(p.files); i += max(step, 1) {
		x := make([]float32, s.Elems())
		if err := p.read(i, x, s); err != nil {
			return nil, err
		}
		images = append(images, x)
	}
	return images, nil
}

// calibrationArray reads the images of a NumPy file.
func calibrationArray(path string, s blocks.Shape) ([][]float32, error) {
	x, shape, err := readNPY(path)
	if err != nil {
		return nil, err
	}
	if k := len(shape); k < 3 || k > 4 || shape[k-3] != s.H || shape[k-2] != s.W || shape[k-1] != s.C || len(x) == 0 {
		return nil, usagef(
			"--calibrate %s: it holds %v, the network takes N x %d x %d x %d",
			path,
			shape,
			s.H,
			s.W,
			s.C,
		)
	}
	if i := slices.IndexFunc(x, func(v float32) bool { return v-v != 0 }); i >= 0 {
		return nil, usagef("--calibrate %s: image %d holds %v: want numbers, whose ranges can be taken",
			path, i/s.Elems(), x[i])
	}
	var images [][]float32
	for i := 0; i < len(x); i += s.Elems() {
		images = append(images, x[i:][:s.Elems()])
	}
	return images, nil
}
