package main

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/pytorch"
)

// savePicture writes a picture of h x w pixels as its ending says.
func savePicture(t *testing.T, path string, h, w int, of func(y, x int) color.NRGBA) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, of(y, x))
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	if filepath.Ext(path) != ".png" {
		b.Reset()
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 100})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Pictures give what an array of their values gives, in the order of their names.
func TestInferPictures(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "photos")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	colour := func(y, x int) color.NRGBA { return color.NRGBA{uint8(8 * y), uint8(7 * x), uint8(y * x), 255} }
	grey := func(int, int) color.NRGBA { return color.NRGBA{51, 102, 204, 255} }
	savePicture(t, filepath.Join(folder, "b.png"), 32, 32, colour)
	savePicture(t, filepath.Join(folder, "a.png"), 50, 81, grey)
	if err := os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	mean, std := []float64{0.4, 0.5, 0.3}, []float64{0.2, 0.25, 0.5}
	x := make([]float32, 2*32*32*3)
	for y := range 32 {
		for k := range 32 {
			for i, of := range []func(int, int) color.NRGBA{grey, colour} {
				p := of(y, k)
				for c, v := range []uint8{p.R, p.G, p.B} {
					x[((i*32+y)*32+k)*3+c] = float32((float64(v)/255 - mean[c]) / std[c])
				}
			}
		}
	}
	var b bytes.Buffer
	if err := pytorch.WriteNPY(&b, x, []int{2, 32, 32, 3}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.npy"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	results := map[string][]float32{}
	for name, args := range map[string][]string{
		"array":  {"--input", filepath.Join(dir, "x.npy")},
		"folder": {"--input", folder, "--mean", "0.4,0.5,0.3", "--std", "0.2, 0.25, 0.5"},
		"one":    {"--input", filepath.Join(folder, "b.png"), "--mean", "0.4,0.5,0.3", "--std", "0.2,0.25,0.5"},
	} {
		out := filepath.Join(dir, name+".npy")
		wantExit(t, 0, "", append([]string{"infer", tinyArch, "--seed", "3", "--output", out}, args...)...)
		v, _, err := readNPY(out)
		if err != nil {
			t.Fatal(err)
		}
		results[name] = v
	}
	near := func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-4 }
	half := len(results["array"]) / 2
	if !slices.EqualFunc(results["array"], results["folder"], near) ||
		!slices.EqualFunc(results["array"][half:], results["one"], near) {
		t.Errorf("%v", results)
	}
	for _, c := range []struct{ want, flag, value string }{
		{"--mean: 2 numbers", "--mean", "1,2"}, {"above 0", "--std", "1,0,1"}, {"want a number", "--std", "1,,x"},
		{"none", "--mean", "NaN"},
	} {
		in := folder
		if c.want == "none" {
			in = filepath.Join(dir, "x.npy")
		}
		wantExit(t, 2, c.want, "infer", tinyArch, "--input", in, "--output", filepath.Join(dir, "y.npy"), c.flag, c.value)
	}
	wantExit(t, 2, "no file that ends in .png", "infer", tinyArch, "--input", t.TempDir(), "--output", "y.npy")
	bad := filepath.Join(dir, "bad.jpg")
	if err := os.WriteFile(bad, []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantExit(t, 2, "bad.jpg", "infer", tinyArch, "--input", bad, "--output", filepath.Join(dir, "y.npy"))
}

// A picture covers the input, its middle is what is read, and colours become grey for one channel.
func TestPicturesFit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wide.jpeg")
	savePicture(t, path, 20, 60, func(_, x int) color.NRGBA {
		if x >= 20 && x < 40 {
			return color.NRGBA{255, 0, 0, 255}
		}
		return color.NRGBA{255, 255, 255, 255}
	})
	p, err := openPictures(path, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s    blocks.Shape
		want []float32
	}{{blocks.Shape{H: 10, W: 10, C: 3}, []float32{1, 0, 0}}, {blocks.Shape{H: 10, W: 10, C: 1}, []float32{0.299}}} {
		dst := make([]float32, c.s.Elems())
		if err := p.read(0, dst, c.s); err != nil {
			t.Fatal(err)
		}
		at := (5*c.s.W + 5) * c.s.C
		for k, want := range c.want {
			if math.Abs(float64(dst[at+k]-want)) > 0.02 {
				t.Errorf("%v: the middle is %v, want %v", c.s, dst[at:][:c.s.C], c.want)
			}
		}
	}
}

// The images of a file's batch that meet are one run.
func TestInferImagesThatMeet(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "x.npy"), filepath.Join(dir, "y.npy")
	x := make([]float32, 24)
	for i := range x {
		x[i] = float32(i%4 + 2 + i/4%3 - 1 + 2*(i/12) - 1)
	}
	var b bytes.Buffer
	err := pytorch.WriteNPY(&b, x, []int{2, 3, 2, 2})
	if err := errors.Join(err, os.WriteFile(in, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	wantExit(t, 0, "", "infer", cases+"images_that_meet.onnx", "--input", in, "--output", out)
	v, shape, err := readNPY(out)
	if err != nil || !slices.Equal(shape, []int{1, 1, 2, 2}) || !slices.Equal(v, []float32{2, 3, 4, 5}) {
		t.Errorf("%v of %v, %v", v, shape, err)
	}
}
