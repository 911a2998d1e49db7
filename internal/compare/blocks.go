package compare

import (
	"fmt"
	"maps"
	"slices"

	"nas/latency"
)

// Places is where several predicted latencies go, block by block.
type Places struct {
	Of     []string   `json:"of"` // whose latency each column is
	Device string     `json:"device,omitempty"`
	Total  []float64  `json:"latency_ms"`
	Rows   []PlaceRow `json:"rows"`
}

// PlaceRow is a block, or what runs in its kernels.
type PlaceRow struct {
	Place string    `json:"place"` // "stem", "stage 2 block 1", "head"
	Ms    []float64 `json:"ms"`    // by column
	// SharePct is the share of each column's latency.
	SharePct []float64 `json:"share_pct"`
}

// OnDevices is one network on several devices, block by block.
func OnDevices(n Network, devices []Device) (*Places, error) {
	p := &Places{}
	var es []latency.Estimate
	for _, d := range devices {
		e, err := d.Predict(n.Network)
		if err != nil {
			return nil, err
		}
		p.Of, es = append(p.Of, d.Name), append(es, e)
	}
	p.fill(es)
	return p, nil
}

// OnDevice is several networks on one device, block by block.
func OnDevice(networks []Network, d Device) (*Places, error) {
	p := &Places{Device: d.Name}
	var es []latency.Estimate
	for _, n := range networks {
		e, err := d.Predict(n.Network)
		if err != nil {
			return nil, err
		}
		p.Of, es = append(p.Of, n.Name), append(es, e)
	}
	p.fill(es)
	return p, nil
}

// head is the place of what stands behind the last stage of a network, which has no blocks.
var head = [2]int{1 << 20, 0}

// fill makes the rows. The times of the kernels are scaled to add up to the latency.
func (p *Places) fill(es []latency.Estimate) {
	rows := map[[2]int][]float64{}
	for i, e := range es {
		p.Total = append(p.Total, e.LatencyMs)
		sum, last := 0.0, 0
		for _, k := range e.Kernels {
			sum += k.Ms
			for _, place := range k.Places {
				last = max(last, place[0])
			}
		}
		for _, k := range e.Kernels {
			for _, place := range k.Places {
				if place == [2]int{last, 0} && last > 0 {
					place = head
				}
				if rows[place] == nil {
					rows[place] = make([]float64, len(es))
				}
				if sum > 0 {
					rows[place][i] += k.Ms / float64(k.Count) * e.LatencyMs / sum
				}
			}
		}
	}
	places := slices.SortedFunc(maps.Keys(rows), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	for _, place := range places {
		r := PlaceRow{Place: placeName(place), Ms: rows[place]}
		for i := range r.Ms {
			r.SharePct = append(r.SharePct, 100*r.Ms[i]/es[i].LatencyMs)
		}
		p.Rows = append(p.Rows, r)
	}
}

func placeName(place [2]int) string {
	switch {
	case place[0] == 0:
		return "stem"
	case place == head:
		return "head"
	case place[1] > 0:
		return fmt.Sprintf("stage %d block %d", place[0], place[1])
	}
	return fmt.Sprintf("stage %d", place[0])
}
