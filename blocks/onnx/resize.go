package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"Resize": {
			attrs: "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value* keep_aspect_ratio_policy mode nearest_mode",
			in:    [2]int{1, 4},
			apply: readResize,
		},
		"Upsample": {attrs: "mode scales width_scale height_scale", in: [2]int{1, 2}, apply: readResize},
	})
}

// resizing is what a Resize or Upsample asks for, height and width only.
type resizing struct {
	blocks.Interpolate
	sizes bool // the output extents are given, not the scales
}

// extents reads sizes or scales, and returns the output's extents along all axes.
func (z *resizing) extents(r *reader, c call, d []int) ([]int, error) {
	rank := len(d)
	axes := make([]int, rank)
	for i := range axes {
		axes[i] = i
	}
	if a, ok := c.attrs["axes"]; ok {
		axes = a.ints
	}
	scalesAt, sizesAt := 2, 3
	if c.op == "Upsample" || r.opset < 11 {
		scalesAt, sizesAt = 1, -1
	}
	out, scale := slices.Clone(d), make([]float64, rank)
	given := func(n int) error {
		if n != len(axes) {
			return fmt.Errorf("%d numbers for %d axes", n, len(axes))
		}
		return nil
	}
	if v := c.arg(sizesAt); sizesAt > 0 && v != nil && !(v.k != nil && v.k.len() == 0) {
		to, err := c.ints(sizesAt)
		if err != nil {
			return nil, err
		}
		if err := given(len(to)); err != nil {
			return nil, err
		}
		z.sizes = true
		if err := keepAspect(c.textAttr("keep_aspect_ratio_policy", "stretch"), to, axes, d, scale); err != nil {
			return nil, err
		}
		for i, a := range axes {
			k, err := oneAxis(a, rank)
			if err != nil {
				return nil, err
			}
			out[k] = to[i]
		}
	} else {
		var s []float32
		switch v := c.arg(scalesAt); {
		case v != nil:
			t, err := c.floats(scalesAt)
			if err != nil {
				return nil, fmt.Errorf("its scales: %w", err)
			}
			s = t.f
		case c.attrs["scales"].floats != nil:
			s = c.attrs["scales"].floats
		case rank == 4 && c.attrs["height_scale"].f != 0:
			s = []float32{1, 1, float32(c.attrs["height_scale"].f), float32(c.attrs["width_scale"].f)}
		}
		if err := given(len(s)); err != nil {
			return nil, err
		}
		for i, a := range axes {
			k, err := oneAxis(a, rank)
			if err != nil {
				return nil, err
			}
			scale[k] = float64(s[i])
			if !(scale[k] > 0) || scale[k] > 1<<20 {
				return nil, fmt.Errorf("by scales %v", s)
			}
			out[k] = int(math.Floor(float64(float32(d[k]) * s[i]))) // in float32, as runtimes do
		}
	}
	for k, n := range out {
		if n < 1 || n > 1<<30 {
			return nil, fmt.Errorf("to %v", short(out))
		}
		if k >= 2 {
			z.Scale[k-2] = scale[k]
		}
	}
	return out, nil
}

// keepAspect changes the sizes asked for so that all axes have one scale.
func keepAspect(policy string, to, axes, d []int, scale []float64) error {
	if policy == "stretch" || policy == "" {
		return nil
	}
	best := math.Inf(1)
	if policy == "not_smaller" {
		best = math.Inf(-1)
	} else if policy != "not_larger" {
		return fmt.Errorf("keep_aspect_ratio_policy is %.40q", policy)
	}
	for i, a := range axes {
		k, err := oneAxis(a, len(d))
		if err != nil {
			return err
		}
		s := float64(to[i]) / float64(d[k])
		if policy == "not_larger" {
			best = min(best, s)
		} else {
			best = max(best, s)
		}
	}
	for i, a := range axes {
		k, _ := oneAxis(a, len(d))
		to[i] = int(math.Floor(best*float64(d[k]) + 0.5))
		scale[k] = best
	}
	return nil
}

func readResize(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	d := v.extents()
	if len(d) < 3 || len(d) > 4 {
		return nil, fmt.Errorf("of rank %d, want N x C x L or N x C x H x W", len(d))
	}
	var z resizing
	out, err := z.extents(r, c, d)
	if err != nil {
		return nil, err
	}
	if out[0] != d[0] || out[1] != d[1] {
		return nil, errors.New("of images or channels: height and width are resized only")
	}
	z.H, z.W = out[2], 1
	if len(out) == 4 {
		z.W = out[3]
	}
	if slices.Equal(out, d) && z.sizes {
		return []*value{v}, nil
	}
	missing := "half_pixel"
	if r.opset < 11 || c.op == "Upsample" {
		missing = "asymmetric"
	}
	z.Mode, z.Coordinates = c.textAttr("mode", "nearest"), c.textAttr("coordinate_transformation_mode", missing)
	if z.Mode == "bilinear" {
		z.Mode = "linear" // before opset 9
	}
	if z.Mode == "nearest" {
		z.Rounding = c.textAttr("nearest_mode", "round_prefer_floor")
		if missing == "asymmetric" {
			z.Rounding = "floor"
		}
	}
	if z.Mode == "cubic" {
		z.Cubic = c.floatAttr("cubic_coeff_a", -0.75)
	}
	if z.Mode != "nearest" {
		z.Antialias = c.intAttr("antialias", 0) != 0
		z.Exclude = (z.Mode == "cubic" || z.Antialias) && c.intAttr("exclude_outside", 0) != 0
	}
	if z.Coordinates == "tf_crop_and_resize" || z.Coordinates == "tf_half_pixel_for_nn" {
		return nil, fmt.Errorf("coordinate_transformation_mode is %q", z.Coordinates)
	}
	if len(d) == 3 {
		z.Scale[1] = 0
	}
	if err := z.agreed(r.opset, d[2:], out[2:]); err != nil {
		return nil, err
	}
	if v, err = r.chw(v); err != nil {
		return nil, err
	}
	op := z.simplest(r.nodes[v.node].Shape)
	if ip, ok := op.(*blocks.Interpolate); ok {
		if err := r.charge(16 * (z.H + z.W)); err != nil {
			return nil, err
		}
		if s := r.nodes[v.node].Shape; ip.Ambiguous(0, s.H) || ip.Ambiguous(1, s.W) {
			cure := "nearest_mode floor or other sizes"
			if z.Rounding == "floor" {
				cure = "sizes in place of scales, or by another scale"
			}
			return nil, fmt.Errorf("from %v to %d x %d, where it depends on a runtime's rounding which pixel is nearest: "+
				"export it with %s", s, z.H, z.W, cure)
		}
	}
	node, err := r.add("", op, nil, v.node)
	if err != nil {
		return nil, err
	}
	return []*value{r.mapOf(node, len(d), v.batch())}, nil
}

// agreed refuses what runtimes do in different ways.
func (z *resizing) agreed(opset int, in, out []int) error {
	for i, n := range in {
		f := float64(float32(n) * float32(z.Scale[i]))
		switch {
		case slices.Equal(in, out) && n > 1 && f > float64(n):
			return fmt.Errorf("by scale %v of %d pixels to as many, which a runtime may leave as they are: "+
				"export it with sizes", z.Scale[i], n)
		case z.Coordinates == "align_corners" && f != math.Floor(f):
			return fmt.Errorf("by scale %v of %d pixels with align_corners, about which runtimes differ: export it with sizes",
				z.Scale[i], n)
		case z.Antialias && out[i] == n && f > float64(n):
			return fmt.Errorf("by scale %v of %d pixels to as many with antialias, about which runtimes differ: "+
				"export it with sizes", z.Scale[i], n)
		case opset == 10 && z.Mode == "nearest" && out[i] < n && n%out[i] != 0:
			return fmt.Errorf("from %d to %d pixels by nearest in opset 10, about which runtimes differ: "+
				"export it with opset 11 or later", n, out[i])
		}
	}
	return nil
}

// simplest returns the op for a map of shape s: [blocks.Resize], which has kernels,
// where it computes the same.
func (z *resizing) simplest(s blocks.Shape) blocks.Op {
	// With a scale that gives a whole number of pixels the extents say all.
	exact := true
	for i, n := range []int{s.H, s.W} {
		m := []int{z.H, z.W}[i]
		exact = exact && (z.Scale[i] == 0 || float32(n)*float32(z.Scale[i]) == float32(m))
	}
	op := &blocks.Resize{H: z.H, W: z.W}
	whole := z.H%s.H == 0 && z.W%s.W == 0
	half := z.Coordinates == "half_pixel" || z.Coordinates == "half_pixel_symmetric" && exact ||
		z.Coordinates == "pytorch_half_pixel" && (z.H > 1 || s.H == 1) && (z.W > 1 || s.W == 1)
	switch {
	case z.Antialias || z.Exclude:
	case z.Mode == "linear" && half && exact, z.Mode == "linear" && s.H == 1 && s.W == 1:
		return op
	case z.Mode == "linear" && z.Coordinates == "align_corners":
		op.AlignCorners = true
		return op
	case z.Mode == "nearest" && exact && z.Coordinates == "asymmetric" && z.Rounding == "floor",
		z.Mode == "nearest" && exact && whole && half && strings.HasPrefix(z.Rounding, "round_"),
		z.Mode == "nearest" && s.H == 1 && s.W == 1:
		op.Mode = blocks.Nearest
		return op
	}
	out := z.Interpolate
	if exact {
		out.Scale = [2]float64{}
	}
	return &out
}
