package main

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/pytorch"
	"nas/internal/resolve"
)

// inferFlags are those of nas infer.
type inferFlags struct {
	input, output, weights, layout string
	mean, std                      string
	dtype, ranges                  string
	seed                           uint64
	threads                        int
}

func newInfer(a *app) *cobra.Command {
	var o inferFlags
	cmd := &cobra.Command{
		Use:   "infer ARCH --input x.npy --output y.npy",
		Short: "Run a network on the images of a NumPy file, or on PNG and JPEG files",
		Long: `Infer runs a network on the float32 images of a NumPy file and writes what it returns.
The input may also be a PNG or JPEG file, or a folder of them, which are taken in the order of their
names. Such a picture is scaled until it covers the network's input and cut round its centre. Its
values are (value/255 - mean) / std.
An ONNX file takes and gives tensors in the layout that it declares, which is N x C x H x W for
most; where it leaves extents open they are those of the input. Every other network takes
H x W x C or N x H x W x C. --layout overrides both. A network of several outputs writes a file
for each, y.NAME.npy. Weights are those of --weights, else the network's own, or drawn from the
seed. A .tflite file of 8-bit integers is computed with integers. --dtype int8 computes any network
with integers: it is quantised first, as nas export --quantize int8 does it.`,
		Example: `  nas infer mobilenet_v2 --input x.npy --output y.npy --seed 1
  nas infer results/mobile:17 --weights trained.safetensors --input x.npy --output y.npy
  nas infer mobilenet_v2 --dtype int8 --input x.npy --output y.npy
  nas infer model.onnx --input nchw.npy --output y.npy
  nas infer model.onnx --input photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --output y.npy`,
		Args: oneArch,
		RunE: func(_ *cobra.Command, args []string) error {
			if o.input == "" || o.output == "" {
				return usagef("want --input and --output, two .npy files, or pictures as the input")
			}
			if !slices.Contains([]string{"", "float32", "int8"}, o.dtype) {
				return usagef("--dtype %q: want float32 or int8", o.dtype)
			}
			if o.ranges != "" && o.dtype != "int8" {
				return usagef("--calibrate goes with --dtype int8")
			}
			if !slices.Contains([]string{"", "hwc", "chw"}, o.layout) {
				return usagef("--layout %q: want hwc or chw", o.layout)
			}
			return a.infer(args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.input, "input", "", "the `FILE` with the images, or a folder of PNG and JPEG files")
	f.StringVar(
		&o.mean,
		"mean",
		"",
		"`NUMBERS` taken from pictures, of values of 0 to 1: one, or one for each channel (default 0)",
	)
	f.StringVar(&o.std, "std", "", "`NUMBERS` by which pictures are divided then (default 1)")
	f.StringVar(&o.output, "output", "", "the `FILE` to write, - for standard output")
	f.StringVar(&o.layout, "layout", "", "of the images and of maps that are returned, hwc or chw "+
		"(default: an ONNX file's own, else hwc)")
	f.Uint64Var(&o.seed, "seed", 0, "of weights that are drawn")
	f.StringVar(&o.weights, "weights", "", weightsHelp)
	f.StringVar(&o.dtype, "dtype", "",
		"float32 or int8, the type of weights and activations (default: the file's, or float32)")
	f.StringVar(&o.ranges, "calibrate", "",
		"with --dtype int8, a `FILE`.npy or a folder of pictures whose values set the ranges "+
			"(default: eight images of normal noise from --seed)")
	f.IntVar(&o.threads, "threads", 1, "threads")
	a.fileFlags(cmd)
	return cmd
}

func (a *app) infer(arch string, o inferFlags) error {
	if err := a.place("--output", o.output); err != nil {
		return err
	}
	shown, err := openPictures(o.input, o.mean, o.std)
	if err != nil {
		return err
	}
	var array *pytorch.NPY
	if shown == nil {
		var file io.Closer
		if array, file, err = openNPY(o.input); err != nil {
			return err
		}
		defer file.Close()
		a.file.input = array.Shape
	}
	n, err := a.find(arch)
	if err != nil {
		return err
	}
	in, outs := layoutsOf(n, o.layout)
	images := 0
	if shown != nil {
		images, err = len(shown.files), shown.check(n.Input(), n.Name)
	} else {
		images, err = in.images(o.input, a.file.input, n)
	}
	if err != nil {
		return err
	}
	if len(outs) > 1 && a.isStdout(o.output) {
		return usagef("--output -: %s has %d outputs, a file for each: want a name such as y.npy", n.Name, len(outs))
	}
	forward, err := a.forward(n, o)
	if err != nil {
		return err
	}
	results := make([][]float32, len(outs))
	one, y := make([]float32, n.Input().Elems()), make([]float32, outputLen(n.Network))
	read := func(i int) error { return shown.read(i, one, n.Input()) }
	if shown == nil {
		x := make([]float32, len(one))
		read = func(int) error {
			if err := array.Read(x); err != nil {
				return usagef("%s: %w", o.input, err)
			}
			return in.toNetwork(one, x)
		}
	}
	for i := range images {
		if err := read(i); err != nil {
			return err
		}
		if err := forward(y, one); err != nil {
			return err
		}
		at := 0
		for k, out := range outs {
			v := make([]float32, out.values())
			if err := out.fromNetwork(v, y[at:][:len(v)]); err != nil {
				return err
			}
			results[k] = append(results[k], v...)
			at += len(v)
		}
	}
	return a.writeResults(o.output, outs, results, images)
}

// writeResults writes a file for each output.
func (a *app) writeResults(output string, outs []tensorLayout, results [][]float32, images int) error {
	for k, out := range outs {
		path := output
		if len(outs) > 1 {
			ext := filepath.Ext(path)
			path = strings.TrimSuffix(path, ext) + "." + fileName(out.name) + ext
		}
		if err := a.writeResult(path, results[k], out.of(images)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) writeResult(path string, values []float32, dims []int) error {
	var b bytes.Buffer
	if err := pytorch.WriteNPY(&b, values, dims); err != nil {
		return err
	}
	if err := a.save(path, func(w io.Writer) error { _, err := b.WriteTo(w); return err }); err != nil {
		return err
	}
	if !a.quiet {
		a.notef("%s: %v\n", path, dims)
	}
	return nil
}

// fileName makes a name of a tensor fit for a file.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
}

// tensorLayout is how one image of a tensor lies in a file, next to H x W x C.
type tensorLayout struct {
	name   string
	dims   []int        // of one image
	tensor *onnx.Tensor // the file's own layout; nil: as first says
	first  bool         // the channels come first
	rows   bool         // each image has several rows of the first axis, with those of the others behind them
	whole  bool         // the model mixes the images of a batch: it is one image
	shape  blocks.Shape
}

// layoutsOf returns the layouts of a network's input and outputs.
func layoutsOf(n *resolve.Network, layout string) (in tensorLayout, outs []tensorLayout) {
	plain := func(name string, s blocks.Shape, vector bool) tensorLayout {
		l := tensorLayout{name: name, dims: []int{s.H, s.W, s.C}, first: layout == "chw", shape: s}
		switch {
		case vector && s.IsVector():
			l.dims = []int{s.C}
		case l.first:
			l.dims = []int{s.C, s.H, s.W}
		}
		return l
	}
	own := n.File != nil && layout == ""
	in = plain("input", n.Input(), false)
	if own {
		in = layoutOf(n.File.Input)
	}
	for k, i := range n.Returned() {
		l := plain(n.Nodes[i].Name, n.Nodes[i].Shape, true)
		if n.File != nil {
			l.name = n.File.Outputs[k].Name
		}
		if own {
			l = layoutOf(&n.File.Outputs[k])
		}
		outs = append(outs, l)
	}
	return in, outs
}

// layoutOf is the file's own layout of a tensor.
func layoutOf(t *onnx.Tensor) tensorLayout {
	l := tensorLayout{name: t.Name, tensor: t}
	l.dims, l.rows = t.Image()
	switch {
	case len(l.dims) > 0 && l.dims[0] == 1:
		l.dims, l.rows = l.dims[1:], false
	case !l.rows:
		l.whole = true
	}
	return l
}

// of is the shape of that many images in one array.
func (l tensorLayout) of(images int) []int {
	switch {
	case l.whole && images == 1:
		return l.dims
	case l.rows:
		return append([]int{images * l.dims[0]}, l.dims[1:]...)
	}
	return append([]int{images}, l.dims...)
}

func (l tensorLayout) values() int {
	n := 1
	for _, d := range l.dims {
		n *= d
	}
	return n
}

// images returns how many images an array of that shape holds.
func (l tensorLayout) images(path string, shape []int, n *resolve.Network) (int, error) {
	images, one := 1, shape
	if len(shape) == len(l.dims)+1 {
		images, one = shape[0], shape[1:]
	}
	if slices.Equal(one, l.dims) && images > 0 {
		return images, nil
	}
	hint := ""
	switch s := n.Input(); {
	case slices.Equal(one, []int{s.H, s.W, s.C}):
		hint = ": they have the channels last, which --layout hwc reads"
	case slices.Equal(one, []int{s.C, s.H, s.W}):
		hint = ": they have the channels first, which --layout chw reads"
	}
	return 0, usagef("%s holds images of shape %v, %s wants %v%s", path, one, n.Name, l.dims, hint)
}

func (l tensorLayout) toNetwork(dst, src []float32) error {
	switch pixels, channels := l.shape.Pixels(), l.shape.C; {
	case l.tensor != nil:
		return l.tensor.FromFile(dst, src)
	case l.first:
		transpose(dst, src, channels, pixels)
	default:
		copy(dst, src)
	}
	return nil
}

func (l tensorLayout) fromNetwork(dst, src []float32) error {
	switch pixels, channels := l.shape.Pixels(), l.shape.C; {
	case l.tensor != nil:
		return l.tensor.ToFile(dst, src)
	case l.first:
		transpose(dst, src, pixels, channels)
	default:
		copy(dst, src)
	}
	return nil
}

// transpose writes the transpose of the matrix src of that many rows and columns.
func transpose(dst, src []float32, rows, columns int) {
	for r := range rows {
		row := src[r*columns:][:columns]
		for c, v := range row {
			dst[c*rows+r] = v
		}
	}
}
