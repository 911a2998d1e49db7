package compare

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"nas/blocks"
	"nas/internal/regression"
	"nas/internal/stat"
	"nas/latency"
)

// Network is a network with a name.
type Network struct {
	Name string
	*blocks.Network
}

// Device predicts latencies, under a name.
type Device struct {
	Name string
	*latency.Predictor
}

// Table is the latencies of networks on devices.
type Table struct {
	Devices  []string    `json:"devices"`
	Networks []Latencies `json:"networks"`
	Orders   []Order     `json:"orders"`
	Swaps    []Swap      `json:"swaps"` // the surest first
}

// Latencies are those of one network, by device.
type Latencies struct {
	Name      string    `json:"name"`
	LatencyMs []float64 `json:"latency_ms"`
	LowMs     []float64 `json:"low_ms"` // 90 % intervals
	HighMs    []float64 `json:"high_ms"`
}

// Order says how far two devices agree on the order of the networks.
type Order struct {
	Devices [2]string `json:"devices"`
	Kendall float64   `json:"kendall_tau"`
	Swaps   int       `json:"swaps"` // pairs of networks that change places
}

// Swap is two networks that change places between two devices.
type Swap struct {
	Networks [2]string `json:"networks"` // the first is the faster one on the first device
	Devices  [2]string `json:"devices"`
	// Ratios are the latency of the first network over that of the second, on either device.
	Ratios [2]float64 `json:"ratios"`
	// NoisePct is the chance that the two do not change places in truth: that either prediction has the wrong
	// order.
	NoisePct float64 `json:"noise_pct"`
}

// Devices predicts networks on devices, and finds which of them change places. The error is that of a prediction.
func Devices(networks []Network, devices []Device) (*Table, error) {
	t := &Table{Networks: []Latencies{}, Orders: []Order{}, Swaps: []Swap{}}
	estimates := make([][]latency.Estimate, len(devices))
	for k, d := range devices {
		t.Devices = append(t.Devices, d.Name)
		for _, n := range networks {
			e, err := d.Predict(n.Network)
			if err != nil {
				return nil, err
			}
			estimates[k] = append(estimates[k], e)
		}
	}
	for i, n := range networks {
		l := Latencies{Name: n.Name}
		for k := range devices {
			e := &estimates[k][i]
			l.LatencyMs, l.LowMs = append(l.LatencyMs, e.LatencyMs), append(l.LowMs, e.LowMs)
			l.HighMs = append(l.HighMs, e.HighMs)
		}
		t.Networks = append(t.Networks, l)
	}
	for b := range devices {
		for a := range b {
			t.compare(a, b, estimates)
		}
	}
	slices.SortStableFunc(t.Swaps, func(x, y Swap) int { return cmp.Compare(x.NoisePct, y.NoisePct) })
	return t, nil
}

// compare adds what devices a and b differ in.
func (t *Table) compare(a, b int, estimates [][]latency.Estimate) {
	devices := [2]string{t.Devices[a], t.Devices[b]}
	var x, y []float64
	for i := range t.Networks {
		x, y = append(x, estimates[a][i].LatencyMs), append(y, estimates[b][i].LatencyMs)
	}
	swaps := 0
	for j := range t.Networks {
		for i := range j {
			first, second := i, j
			if x[i] > x[j] {
				first, second = j, i
			}
			if !(x[first] < x[second] && y[first] > y[second]) {
				continue
			}
			swaps++
			s := Swap{Networks: [2]string{t.Networks[first].Name, t.Networks[second].Name}, Devices: devices}
			real := 1.0
			for k, d := range [2]int{a, b} {
				log, sd := regression.LogRatio(estimates[d][first], estimates[d][second])
				s.Ratios[k] = math.Exp(log)
				if sd > 0 {
					real *= distuv.UnitNormal.CDF(math.Abs(log) / sd)
				}
			}
			s.NoisePct = 100 * (1 - real)
			t.Swaps = append(t.Swaps, s)
		}
	}
	t.Orders = append(t.Orders, Order{devices, stat.KendallTau(x, y), swaps})
}
