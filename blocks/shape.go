package blocks

import (
	"fmt"
	"math"
)

// Shape is the extent of one activation of one image: height, width, channels,
// stored in that order (NHWC). The batch size is never part of it. A vector is
// 1 x 1 x C. The zero Shape is not a valid activation.
type Shape struct {
	H, W, C int
}

// maxElems bounds an activation: 2^31 values (8 GiB of float32) is beyond any
// network that this package is meant for, and keeps every count in an int64.
const maxElems = min(1<<31, math.MaxInt)

// Elems returns the number of values of one image.
func (s Shape) Elems() int { return s.H * s.W * s.C }

// Pixels returns H x W.
func (s Shape) Pixels() int { return s.H * s.W }

// IsVector reports whether the shape is 1 x 1 x C.
func (s Shape) IsVector() bool { return s.H == 1 && s.W == 1 }

// String returns the shape as HxWxC.
func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.H, s.W, s.C) }

// Check returns an error unless every extent is at least 1 and the activation
// has at most 2^31 values.
func (s Shape) Check() error {
	if s.H < 1 || s.W < 1 || s.C < 1 {
		return fmt.Errorf("shape %v has an extent below 1", s)
	}
	if float64(s.H)*float64(s.W)*float64(s.C) > maxElems {
		return fmt.Errorf("shape %v has more than 2^31 values", s)
	}
	return nil
}
