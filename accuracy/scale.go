package accuracy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"

	"nas/internal/fault"
)

// ReferenceSize is the number of networks of a reference sample.
const ReferenceSize = 256

// Scale holds the scores of a reference sample, by proxy: what turns a raw
// score into a position. It is a plain value, stored as JSON; the zero Scale is
// empty.
type Scale struct {
	parts map[string]*ruler // by the proxy's String, its settings included
}

// ruler maps one proxy's values to positions: 0 is below all reference
// networks, 1 above them all.
type ruler struct {
	sample []float64 // in the order of the reference networks
	value  []float64 // the distinct values, increasing
	rank   []float64 // the position of each
	// slopes beyond the ends, in positions per unit of value
	low, high float64
}

// newRuler wants one or more finite values.
func newRuler(sample []float64) *ruler {
	r := &ruler{sample: slices.Clone(sample)}
	sorted := slices.Sorted(slices.Values(sample))
	m := len(sorted)
	for i := 0; i < m; {
		j := i
		for j < m && sorted[j] == sorted[i] {
			j++
		}
		r.value = append(r.value, sorted[i])
		r.rank = append(r.rank, float64(i+j)/float64(2*m)) // the middle of the tied positions
		i = j
	}
	k := len(r.value)
	if k == 1 {
		// One value says nothing of a step's worth; any positive slope keeps the order.
		r.low = 1 / math.Max(math.Abs(r.value[0]), 1)
		r.high = r.low
		return r
	}
	// The outer tenth of the sample, and at least two distinct values.
	tenth := max(m/10, 1)
	a := max(sort.SearchFloat64s(r.value, sorted[tenth]), 1)
	b := min(sort.SearchFloat64s(r.value, sorted[m-1-tenth]), k-2)
	r.low = (r.rank[a] - r.rank[0]) / (r.value[a] - r.value[0])
	r.high = (r.rank[k-1] - r.rank[b]) / (r.value[k-1] - r.value[b])
	return r
}

// position interpolates between neighbours and goes on beyond both ends with
// the slope of the outer tenth: strictly increasing in v and unbounded.
func (r *ruler) position(v float64) float64 {
	k := len(r.value)
	switch {
	case v <= r.value[0]:
		return r.rank[0] + (v-r.value[0])*r.low
	case v >= r.value[k-1]:
		return r.rank[k-1] + (v-r.value[k-1])*r.high
	}
	i := sort.SearchFloat64s(r.value, v)
	if r.value[i] == v {
		return r.rank[i]
	}
	f := (v - r.value[i-1]) / (r.value[i] - r.value[i-1])
	return r.rank[i-1] + f*(r.rank[i]-r.rank[i-1])
}

// id returns 12 hexadecimal digits that depend on every reference value of the
// named proxies, and on nothing else.
func (s *Scale) id(names []string) string {
	h := sha256.New()
	for _, name := range names {
		fmt.Fprintf(h, "%s\n", name)
		for _, v := range s.parts[name].sample {
			fmt.Fprintf(h, "%016x\n", math.Float64bits(v))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

const scaleFormat = "nas-scale-1"

type scaleFile struct {
	Format string               `json:"format"`
	Parts  map[string][]float64 `json:"parts"`
}

// MarshalJSON writes the reference values in the format "nas-scale-1".
func (s *Scale) MarshalJSON() ([]byte, error) {
	f := scaleFile{Format: scaleFormat, Parts: map[string][]float64{}}
	for name, r := range s.parts {
		f.Parts[name] = r.sample
	}
	return json.Marshal(f)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Scale) UnmarshalJSON(data []byte) error {
	var f scaleFile
	if err := json.Unmarshal(data, &f); err != nil {
		return fault.Errorf("accuracy: scale: %w", err)
	}
	if f.Format != scaleFormat {
		return fault.Errorf("accuracy: scale has format %q, this program reads %q", f.Format, scaleFormat)
	}
	s.parts = make(map[string]*ruler, len(f.Parts))
	for name, sample := range f.Parts {
		if len(sample) == 0 {
			return fault.Errorf("accuracy: scale of %s has no values", name)
		}
		s.parts[name] = newRuler(sample)
	}
	return nil
}
