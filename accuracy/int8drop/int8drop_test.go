package int8drop

import (
	"math"
	"testing"

	"nas/blocks/zoo"
)

// TestEstimate compares with each published network, left out where others remain: the range holds it.
func TestEstimate(t *testing.T) {
	bounded, others, err := rows()
	if err != nil || len(bounded) != 4 || len(others) != 1 {
		t.Fatalf("%d and %d rows, %v", len(bounded), len(others), err)
	}
	for i, r := range bounded {
		rest := append(append([]row{}, bounded[:i]...), bounded[i+1:]...)
		if got := fit(rest)(r.top1); got < r.channel/spread || got > r.channel*spread {
			t.Errorf("left out, a network that loses %.2f points is estimated at %.2f", r.channel, got)
		}
	}
	v2, err := zoo.Get("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	v3, err := zoo.Get("mobilenet_v3_large")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		top1      float64
		perTensor bool
		v3        bool
		want      float64 // published
	}{{68.87, false, false, 0.9}, {68.87, true, false, 4.34}, {76.3, false, true, 7.3}, {76.3, true, true, 62}} {
		n := v2
		if c.v3 {
			n = v3
		}
		d, err := Estimate(n, c.top1, c.perTensor)
		if err != nil {
			t.Fatal(err)
		}
		if c.want < d.Low || c.want > d.High || d.Low > d.Points || d.Points > d.High || d.High > c.top1 ||
			math.Abs(d.Points/c.want-1) > 0.5 {
			t.Errorf("%s: %+v, published are %v points", n.Name, d, c.want)
		}
	}
	if d, err := Estimate(v3, 20, true); err != nil || d.High > 20 || d.Points > 20 {
		t.Errorf("more than all is lost: %+v, %v", d, err)
	}
}
