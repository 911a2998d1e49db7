package main

import (
	"testing"

	"nas/blocks"
)

// The halves of a separable convolution add up to it, whatever the kernel size.
func TestCostHalves(t *testing.T) {
	for kernel := 1; kernel <= 8; kernel++ {
		for _, stride := range []int{1, 2, 3} {
			for _, dilation := range []int{1, 2} {
				o := costOptions{
					in: blocks.Shape{H: 29, W: 32, C: 12}, out: 20, kernel: kernel, stride: stride, dilation: dilation,
				}
				rows, err := o.rows()
				if err != nil {
					t.Fatal(err)
				}
				whole, depthwise, pointwise := rows[2], rows[3], rows[4]
				want := [3]int{(29 + stride - 1) / stride, (32 + stride - 1) / stride, 20}
				if whole.Out != want || pointwise.Out != want || rows[0].Out != want {
					t.Errorf("%+v: out %v and %v, want %v", o, whole.Out, pointwise.Out, want)
				}
				if whole.MACs != depthwise.MACs+pointwise.MACs || whole.Params != depthwise.Params+pointwise.Params {
					t.Errorf("%+v: %d MACs, the halves have %d and %d", o, whole.MACs, depthwise.MACs, pointwise.MACs)
				}
			}
		}
	}
}
