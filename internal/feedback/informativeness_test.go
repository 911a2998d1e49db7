package feedback

import (
	"math"
	"slices"
	"testing"

	"nas/space"
)

// TestCondition: once a network is known, so is its twin, less the noise of
// training; one that has nothing to do with it stays as it was.
func TestCondition(t *testing.T) {
	u := unknown{covariance: [][]float64{{1, 1, 0}, {1, 1, 0}, {0, 0, 1}}}
	u.condition(0)
	left := 1 - 1/(1+trainedNoise)
	for i, want := range []float64{left, left, 1} {
		if got := u.covariance[i][i]; math.Abs(got-want) > 1e-12 {
			t.Errorf("variance %d is %v, want %v", i, got, want)
		}
	}
}

// TestChoose: the first choice explains most, a twin of it is worth little after that, and trained
// networks are never chosen.
func TestChoose(t *testing.T) {
	cov := func() [][]float64 { return [][]float64{{1, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}} }
	for _, c := range []struct {
		name    string
		weights []float64
		trained []bool
		n       int
		want    []int
	}{
		{"twins count together", []float64{0.6, 0.6, 1, 0.1}, make([]bool, 4), 3, []int{0, 2, 3}},
		{"trained are left out", []float64{0.6, 0.6, 1, 0.1}, []bool{true, true, false, false}, 4, []int{2, 3}},
		{"without weight", []float64{0, 0, 1, 0}, make([]bool, 4), 4, []int{2}},
		{"those with an index beyond the weights", []float64{0.1, 0.1}, make([]bool, 2), 1, []int{0}},
	} {
		u := unknown{cov(), c.weights, c.trained}
		before := u.variance()
		var got []int
		sum := 0.0
		for _, x := range u.choose(c.n) {
			got, sum = append(got, x.index), sum+x.gain
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: chosen %v, want %v", c.name, got, c.want)
		}
		if after := u.variance(); math.Abs(before-sum-after) > 1e-12 {
			t.Errorf("%s: the gains sum to %v, the variance fell from %v to %v", c.name, sum, before, after)
		}
	}
}

func TestCovariance(t *testing.T) {
	genes := []space.Genes{{0, 1, 2, 3}, {0, 1, 2, 9}, {5, 1, 2, 3}}
	live := [][]bool{{true, true, true, false}, {true, true, true, false}, {true, true, true, true}}
	k := covarianceOf(genes, live)
	for _, c := range []struct {
		i, j  int
		share float64 // of the genes that differ
	}{{0, 0, 0}, {0, 1, 0}, {1, 0, 0}, {0, 2, 0.5}, {2, 1, 0.5}} {
		if want := math.Exp(-c.share / lengthScale); math.Abs(k[c.i][c.j]-want) > 1e-12 {
			t.Errorf("covariance %d, %d is %v, want %v", c.i, c.j, k[c.i][c.j], want)
		}
	}
}
