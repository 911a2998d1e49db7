package config

import (
	"reflect"
	"strings"
	"testing"

	"nas/space"
)

// TestKernelSizes: a kernel is a number or [height, width], and the resolved config says the same.
func TestKernelSizes(t *testing.T) {
	const text = `[space]
input = [49, 10, 1]
classes = 12
[space.stem]
kernel = [[10, 4], 3]
[[space.stage]]
channels = 16
kernel = [[10, 4], 3, 5, [4, 4]]
[[space.stage]]
channels = 16
choice = [{block = "ds", kernel = [[1, 7]]}, {kernel = 2}]
`
	c, err := Decode("a.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if want := (space.Kernels{space.Rectangle(10, 4), 3, 5, 4}); !reflect.DeepEqual(c.Space.Stage[0].Kernel, want) {
		t.Errorf("kernel is %v, want %v", c.Space.Stage[0].Kernel, want)
	}
	resolved, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode("b.toml", resolved)
	if err != nil || !reflect.DeepEqual(c.Space, again.Space) {
		t.Errorf("%v: resolved as\n%s", err, resolved)
	}
	for bad, want := range map[string]string{
		"[[10, 4, 1]]":        "a whole number from 1 to 31, or [height, width]",
		"[[10, 40]]":          "1 to 31, or [height, width]",
		"[2564]":              "a whole number from 1 to 31",
		"[[0, 3]]":            "a whole number from 1 to 31, or [height, width]",
		`"big"`:               `kernel = "big": want a whole number from 1 to 31, or a list such as [3, 5, [10, 4]]`,
		`[3, "big"]`:          `kernel[2] = "big": want a whole number from 1 to 31, or [height, width]`,
		"3\nexpansion = true": `expansion = true: want a number, or a list of these`,
	} {
		_, err := Decode("c.toml", []byte(strings.Replace(text, "[[10, 4], 3, 5, [4, 4]]", bad, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("kernel = %s: error is %v, want %s", bad, err, want)
		}
	}
}
