package report

import (
	"io"
	"strings"
	"testing"
)

func TestCurves(t *testing.T) {
	g := Curves{Title: "curves", YLabel: "accuracy (%)", Curves: []Curve{
		{Points: []XY{{X: 1, Y: 40}}, Stopped: true},
		{Points: []XY{{X: 1, Y: 50}, {X: 3, Y: 60}}},
		{Name: "17", Points: []XY{{X: 1, Y: 55}, {X: 3, Y: 70}}, Front: true},
	}}
	svg := encode(t, "svg", g)
	for _, want := range []string{"17", "on the front", "stopped at a rung", "epochs", "accuracy (%)"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	if err := Encode(io.Discard, "svg", Curves{}); err == nil {
		t.Error("no training is drawn")
	}
}
