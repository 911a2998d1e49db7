// Package scale turns raw scores of proxies into positions among the scores of a reference sample.
package scale

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

// Scale holds the scores of a reference sample by proxy, which turn a raw score into
// a position. It is stored as JSON. The zero value is an empty scale.
type Scale struct {
	parts map[string]*ecdf // by the proxy's String, its settings included
}

// Has tells whether the scale holds the proxy of this name.
func (s *Scale) Has(name string) bool { return s != nil && s.parts[name] != nil }

// Add keeps a proxy's scores of the reference networks, in their order. There must be at least one, and all finite.
func (s *Scale) Add(name string, sample []float64) {
	if s.parts == nil {
		s.parts = map[string]*ecdf{}
	}
	s.parts[name] = newECDF(sample)
}

// Sample returns the scores of the reference networks by a proxy that the scale holds, in their order.
func (s *Scale) Sample(name string) []float64 { return s.parts[name].sample }

// Position is that of the score v by a proxy that the scale holds: 0 below all reference networks, 1 above them all,
// and beyond both in proportion. It is strictly increasing in v.
func (s *Scale) Position(name string, v float64) float64 { return s.parts[name].position(v) }

// ecdf is the empirical cumulative distribution function of one proxy's values on the
// reference sample, made strictly increasing: it maps values to positions, 0 below all
// reference networks and 1 above them all.
type ecdf struct {
	sample []float64 // in the order of the reference networks
	value  []float64 // the distinct values, increasing
	rank   []float64 // the position of each
	// slopes beyond the ends, in positions per unit of value
	low, high float64
}

// newECDF wants one or more finite values.
func newECDF(sample []float64) *ecdf {
	c := &ecdf{sample: slices.Clone(sample)}
	sorted := slices.Sorted(slices.Values(sample))
	m := len(sorted)
	for i := 0; i < m; {
		j := i
		for j < m && sorted[j] == sorted[i] {
			j++
		}
		c.value = append(c.value, sorted[i])
		c.rank = append(c.rank, float64(i+j)/float64(2*m)) // the middle of the tied positions
		i = j
	}
	k := len(c.value)
	if k == 1 {
		// One value does not say what a difference is worth; any positive slope keeps the order.
		c.low = 1 / math.Max(math.Abs(c.value[0]), 1)
		c.high = c.low
		return c
	}
	// The outer tenth of the sample, and at least two distinct values.
	tenth := max(m/10, 1)
	a := max(sort.SearchFloat64s(c.value, sorted[tenth]), 1)
	b := min(sort.SearchFloat64s(c.value, sorted[m-1-tenth]), k-2)
	c.low = (c.rank[a] - c.rank[0]) / (c.value[a] - c.value[0])
	c.high = (c.rank[k-1] - c.rank[b]) / (c.value[k-1] - c.value[b])
	return c
}

// position interpolates between neighbours and continues beyond both ends with the
// slope of the outer tenth. It is strictly increasing in v and unbounded.
func (c *ecdf) position(v float64) float64 {
	k := len(c.value)
	switch {
	case v <= c.value[0]:
		return c.rank[0] + (v-c.value[0])*c.low
	case v >= c.value[k-1]:
		return c.rank[k-1] + (v-c.value[k-1])*c.high
	}
	i := sort.SearchFloat64s(c.value, v)
	if c.value[i] == v {
		return c.rank[i]
	}
	f := (v - c.value[i-1]) / (c.value[i] - c.value[i-1])
	return c.rank[i-1] + f*(c.rank[i]-c.rank[i-1])
}

// ID returns 12 hexadecimal digits that depend on every reference value of the
// named proxies, and on nothing else.
func (s *Scale) ID(names []string) string {
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
	for name, c := range s.parts {
		f.Parts[name] = c.sample
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
	s.parts = make(map[string]*ecdf, len(f.Parts))
	for name, sample := range f.Parts {
		if len(sample) == 0 {
			return fault.Errorf("accuracy: scale of %s has no values", name)
		}
		s.parts[name] = newECDF(sample)
	}
	return nil
}
