package fit

import (
	"slices"

	"gonum.org/v1/gonum/mat"
	gonum "gonum.org/v1/gonum/stat"

	"nas/accuracy/features"
	"nas/accuracy/internal/twolevel"
	"nas/internal/fault"
	"nas/internal/stat"
)

// Settings of the first level.
const (
	tuneRows       = 1000 // rows whose marginal likelihood sets the kernel's hyperparameters
	tuneIterations = 50
	inducingPoints = 1300
	// countNoise is the noise variance of the standardised MACs. In the space of the
	// data the features determine them up to the rounding of widths.
	countNoise = 1e-4
)

// fitProcess fits the first level: the ranges of the features, and a Gaussian process
// for each target. All have the kernel that was tuned to the accuracies.
func fitProcess(accel []trained) (*twolevel.Model, error) {
	m := &twolevel.Model{Format: twolevel.Format, Ceiling: ceilingPct}
	n := len(accel)
	column := make([]float64, n)
	for s := range features.NumSlots {
		sc := &m.Slots[s]
		for f := range features.PerSlot {
			for i := range accel {
				column[i] = accel[i].features.Slots[s*features.PerSlot+f]
			}
			sc.Low[f], sc.High[f] = slices.Min(column), slices.Max(column)
			sc.Mean[f], sc.SD[f] = gonum.MeanStdDev(column, nil)
		}
	}
	x := mat.NewDense(n, features.SlotFeatures, nil)
	y := make([]float64, n)
	for i := range accel {
		row, _ := m.Standardise(&accel[i].features.Slots)
		x.SetRow(i, row[:])
		y[i] = linkOf(accel[i].top1)
	}
	order := stat.SampleRows(n, n, fitSeed)
	some := order[:min(tuneRows, n)]
	tuneX, tuneY := mat.NewDense(len(some), features.SlotFeatures, nil), make([]float64, len(some))
	for i, j := range some {
		tuneX.SetRow(i, x.RawRowView(j))
		tuneY[i] = y[j]
	}
	tuned, err := stat.TuneKernel(tuneX, tuneY, tuneIterations)
	if err != nil {
		return nil, err
	}
	points := distinctRows(x, order, inducingPoints)
	for k := range twolevel.ProcessTargets {
		kernel := tuned
		if k != twolevel.TargetAccuracy {
			kernel.Noise = countNoise
			for i := range accel {
				y[i] = twolevel.LogMACs(&accel[i].features)
			}
		}
		g, err := stat.FitInducingGP(kernel, x, y, points)
		if err != nil {
			return nil, err
		}
		m.Process.Targets[k] = newProcessTarget(g)
		if k == twolevel.TargetAccuracy {
			if err := storePoints(m, g); err != nil {
				return nil, err
			}
		}
	}
	return m, m.Process.Ready()
}

// distinctRows returns the first k of order whose rows of x differ.
func distinctRows(x *mat.Dense, order []int, k int) []int {
	var rows []int
	seen := make(map[[features.SlotFeatures]float64]bool)
	for _, i := range order {
		if key := [features.SlotFeatures]float64(x.RawRowView(i)); !seen[key] && len(rows) < k {
			seen[key] = true
			rows = append(rows, i)
		}
	}
	return rows
}

// newProcessTarget writes the prediction of a process for one target as a constant, a
// linear part and a sum over the inducing points.
func newProcessTarget(g *stat.GP) twolevel.ProcessTarget {
	t := twolevel.ProcessTarget{Mean: g.Mean, SD: g.SD, Alpha: g.Alpha, Slope: make([]float64, features.SlotFeatures)}
	n, d := g.Inputs.Dims()
	for i := range n {
		t.Offset += g.Alpha[i]
		for j, v := range g.Inputs.RawRowView(i) {
			t.Slope[j] += g.Alpha[i] * g.Kernel.Linear * v / float64(d)
		}
	}
	return t
}

// storePoints stores the kernel and the inducing points of a process.
func storePoints(m *twolevel.Model, g *stat.GP) error {
	p := &m.Process
	p.Kernel = g.Kernel
	n, _ := g.Inputs.Dims()
	for i := range n {
		row := g.Inputs.RawRowView(i)
		var point twolevel.SlotOptions
		for s := range features.NumSlots {
			opt := [features.PerSlot]float64(row[s*features.PerSlot:][:features.PerSlot])
			at := slices.Index(m.Slots[s].Options, opt)
			if at < 0 {
				at = len(m.Slots[s].Options)
				m.Slots[s].Options = append(m.Slots[s].Options, opt)
			}
			if at >= twolevel.MaxOptions {
				return fault.Errorf("accuracy: slot %d has more than %d combinations of features", s+1, twolevel.MaxOptions)
			}
			point[s] = at
		}
		p.Points = append(p.Points, point)
	}
	return nil
}
