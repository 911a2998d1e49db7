package timing

import "testing"

func TestHeatString(t *testing.T) {
	clock := func(mhz ...float64) (points []ClockPoint) {
		for i, v := range mhz {
			points = append(points, ClockPoint{float64(i), v})
		}
		return points
	}
	for want, h := range map[string]Heat{
		"after 10m0s of load":                                                     {LoadS: 600},
		"after 1s of load the clock was as before, 2000 MHz":                      {1, clock(2000, 1000, 1990, 2000)},
		"after 4s of load the clock was lower by 25.0 %: 1500 MHz, not 2000 MHz":  {4, clock(2000, 2000, 1500, 1500)},
		"after 4s of load the clock was higher by 10.0 %: 1100 MHz, not 1000 MHz": {4, clock(1000, 1000, 1100, 1100)},
		"after 5s of load the clock was lower by 50.0 %: 1000 MHz, not 2000 MHz":  {5, clock(2000, 900, 2000, 1000, 800, 1000)},
		"after 2s of load": {2, clock(0, 0, 0)},
	} {
		if got := h.String(); got != want {
			t.Errorf("%v: %q, want %q", h.Clock, got, want)
		}
	}
}
