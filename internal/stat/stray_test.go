package stat

import (
	"slices"
	"testing"
)

func TestStrays(t *testing.T) {
	for _, c := range []struct {
		xs    []float64
		least float64
		want  []int
	}{
		{nil, 1, nil},
		{[]float64{0, 0, 0, 9}, 1, nil}, // too few to say which are the others
		{[]float64{0, 0, 9, 0, 0, -9}, 1, []int{2, 5}},
		{[]float64{0, 0, 9, 0, 0, -9}, 9, nil},
		{[]float64{0, 1, 2, 3, 4, 9}, 1, nil}, // within the spread of the others
	} {
		if got := Strays(c.xs, c.least); !slices.Equal(got, c.want) {
			t.Errorf("%v, at least %v: %v, want %v", c.xs, c.least, got, c.want)
		}
	}
}
