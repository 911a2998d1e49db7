package main

import (
	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/internal/netfile"
	"nas/internal/resolve"
)

// integerFlags say how export quantises.
type integerFlags struct {
	quantize, io, images string
	mean, std            string
	perTensor, equalize  bool
}

func (f *integerFlags) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.quantize, "quantize", "", "int8 writes a .tflite file of 8-bit integers")
	fs.BoolVar(&f.perTensor, "per-tensor", false,
		"with --quantize, one scale for all weights of a layer, not one for each output channel")
	fs.BoolVar(&f.equalize, "equalize", false,
		"with --quantize, first give the channels between neighbouring convolutions ranges alike")
	fs.StringVar(&f.io, "io", "float", "with --quantize, the type of input and outputs, float or int8")
	fs.StringVar(
		&f.images,
		"calibrate",
		"",
		"with --quantize, a `FILE`.npy of images, N x H x W x C, or a folder of PNG and "+
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
	var images [][]float32
	for i := 0; i < len(x); i += s.Elems() {
		images = append(images, x[i:][:s.Elems()])
	}
	return images, nil
}
