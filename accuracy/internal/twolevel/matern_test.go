package twolevel

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"nas/accuracy/features"
	"nas/internal/stat"
)

func TestMaternTable(t *testing.T) {
	worst, inside := 0.0, 0
	check := func(r2 float64) {
		if k, ok := maternCubic.at(r2); ok {
			worst = max(worst, math.Abs(k-stat.Matern52(r2)))
			inside++
		}
	}
	for r2 := 0.0; r2 < 400; r2 += 1e-4 + r2*1e-4 {
		check(r2)
	}
	for i := range maternCubic { // the ends of pieces
		r2 := math.Float64frombits(uint64(i+maternBase) << maternSkip)
		check(math.Nextafter(r2, 0))
		check(r2)
	}
	if inside < len(maternCubic) {
		t.Errorf("only %d places have a piece", inside)
	}
	t.Logf("largest error %.2g", worst)
	if worst > 3e-9 {
		t.Errorf("largest error %g", worst)
	}
}

// TestProcess compares the process with its definition, at points anywhere in
// the range of the data.
func TestProcess(t *testing.T) {
	text, err := os.ReadFile("../../imagenet/imagenet_model.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	p := &m.Process
	r := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for range 500 {
		var x [features.SlotFeatures]float64
		for j := range x {
			x[j] = r.NormFloat64()
		}
		at := &p.Points[r.IntN(len(p.Points))]
		for s, o := range at { // near one of the points, and far
			for f := range features.PerSlot {
				x[s*features.PerSlot+f] = m.Slots[s].Options[o][f] + x[s*features.PerSlot+f]*r.Float64()
			}
		}
		got := m.processAt(&x)
		for k := range p.Targets {
			target := &p.Targets[k]
			want := target.Offset
			for i, pt := range p.Points {
				r2 := 0.0
				for j, v := range x {
					e := (v - m.Slots[j/features.PerSlot].Options[pt[j/features.PerSlot]][j%features.PerSlot]) / p.Length[j]
					r2 += e * e
				}
				want += p.Matern * target.Alpha[i] * stat.Matern52(r2)
			}
			for j, v := range x {
				want += target.Slope[j] * v
			}
			worst = max(worst, math.Abs(got[k]-(target.Mean+target.SD*want)))
		}
	}
	t.Logf("largest error %.2g", worst)
	if worst > 1e-8 { // of the logarithm of the error in per cent
		t.Errorf("the process is off by %g", worst)
	}
}
