package imagenet

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	gonum "gonum.org/v1/gonum/stat"

	"nas/internal/fault"
	"nas/internal/stat"
)

// fitProcess fits the first level: features, their ranges, the process, and what
// the features say of MACs and parameters: two more targets of its kernel.
func fitProcess(accel []trained) (*Model, error) {
	m := &Model{Format: format, Ceiling: ceilingPct}
	n := len(accel)
	column := make([]float64, n)
	for s := range slots {
		sc := &m.Slots[s]
		for f := range perSlot {
			for i := range accel {
				column[i] = accel[i].t.x[s*perSlot+f]
			}
			sc.Low[f], sc.High[f] = slices.Min(column), slices.Max(column)
			sc.Mean[f], sc.SD[f] = gonum.MeanStdDev(column, nil)
		}
	}
	x := mat.NewDense(n, slotFeatures, nil)
	y := make([]float64, n)
	for i := range accel {
		row, _ := m.standardise(&accel[i].t.x)
		x.SetRow(i, row[:])
		y[i] = -math.Log(ceilingPct - accel[i].top1)
	}
	order := stat.SampleRows(n, n, fitSeed)
	some := order[:min(tuneRows, n)]
	tx, ty := mat.NewDense(len(some), slotFeatures, nil), make([]float64, len(some))
	for i, j := range some {
		tx.SetRow(i, x.RawRowView(j))
		ty[i] = y[j]
	}
	h, err := stat.TuneKernel(tx, ty, tuneIterations)
	if err != nil {
		return nil, err
	}
	points := distinctRows(x, order, inducingPoints)
	for k := range processTargets {
		of := h
		if k != targetAccuracy {
			of.Noise = countNoise
			for i := range accel {
				y[i] = logCounts(&accel[i].t)[k-targetMACs]
			}
		}
		g, err := stat.FitInducingGP(of, x, y, points)
		if err != nil {
			return nil, err
		}
		m.Process.Targets[k] = newProcessTarget(g)
		if k == targetAccuracy {
			if err := m.storePoints(g); err != nil {
				return nil, err
			}
		}
	}
	return m, m.Process.ready()
}

// countNoise is the variance, of a standardised target, that is left for what
// the features do not say of MACs and parameters in the space of the data:
// nothing but rounding of widths.
const countNoise = 1e-4

// distinctRows returns the first k of order whose rows of x differ.
func distinctRows(x *mat.Dense, order []int, k int) []int {
	var rows []int
	seen := make(map[[slotFeatures]float64]bool)
	for _, i := range order {
		if key := [slotFeatures]float64(x.RawRowView(i)); !seen[key] && len(rows) < k {
			seen[key] = true
			rows = append(rows, i)
		}
	}
	return rows
}

// newProcessTarget stores what a process has learnt of one target.
func newProcessTarget(g *stat.GP) processTarget {
	t := processTarget{Mean: g.Mean, SD: g.SD, Alpha: g.Alpha, Slope: make([]float64, slotFeatures)}
	n, d := g.Inputs.Dims()
	for i := range n {
		t.Offset += g.Alpha[i]
		for j, v := range g.Inputs.RawRowView(i) {
			t.Slope[j] += g.Alpha[i] * g.Kernel.Linear * v / float64(d)
		}
	}
	return t
}

// storePoints takes over the kernel and the inducing points of a process.
func (m *Model) storePoints(g *stat.GP) error {
	p := &m.Process
	p.Kernel = g.Kernel
	n, _ := g.Inputs.Dims()
	for i := range n {
		row := g.Inputs.RawRowView(i)
		var pt slotOptions
		for s := range slots {
			opt := [perSlot]float64(row[s*perSlot:][:perSlot])
			at := slices.Index(m.Slots[s].Options, opt)
			if at < 0 {
				at = len(m.Slots[s].Options)
				m.Slots[s].Options = append(m.Slots[s].Options, opt)
			}
			if at >= maxOptions {
				return fault.Errorf("accuracy: slot %d has more than %d combinations of features", s+1, maxOptions)
			}
			pt[s] = at
		}
		p.Points = append(p.Points, pt)
	}
	return nil
}
