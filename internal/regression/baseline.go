package regression

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"nas/blocks"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/jsonfile"
)

// Baseline is the network that a later model is held against. It holds the network itself, because the file that
// it came from is likely to be overwritten with the later one. Times do not depend on weights, so it has none.
type Baseline struct {
	Format   int             `json:"format"` // 1
	Name     string          `json:"name"`
	Device   string          `json:"device"` // on which it had its time, for people
	MedianMs float64         `json:"median_ms"`
	LowMs    float64         `json:"low_ms"` // the interval of the median
	HighMs   float64         `json:"high_ms"`
	Created  time.Time       `json:"created"`
	Version  string          `json:"nas"`
	Network  json.RawMessage `json:"network"` // as nas export --format json writes it
}

const (
	baselineFormat  = 1
	maxBaselineSize = 64 << 20
)

// NewBaseline makes a baseline of a network. It has no time yet.
func NewBaseline(name string, n *blocks.Network) (*Baseline, error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, fault.Errorf("regression: %w", err)
	}
	return &Baseline{Format: baselineFormat, Name: name, Network: text}, nil
}

// IsBaseline reports whether the file at path holds a baseline, and not a network by itself. It does not for a
// file that cannot be read.
func IsBaseline(path string) bool {
	data, err := boundedfile.Read(path, maxBaselineSize)
	var head struct{ Network json.RawMessage }
	if err != nil || json.Unmarshal(data, &head) == nil {
		return err == nil && len(head.Network) > 0
	}
	return bytes.Contains(data, []byte(`"network":`)) // a damaged one
}

// Read reads a baseline and its network. The error names the file, what is wrong and what helps.
func Read(path string) (*Baseline, *blocks.Network, error) {
	data, err := boundedfile.Read(path, maxBaselineSize)
	if err != nil {
		return nil, nil, err
	}
	b, n := new(Baseline), new(blocks.Network)
	wrong := func(err error) error {
		return fault.Errorf("regression: %s is no baseline: %w: nas check MODEL --against %s --update writes one",
			path, err, path)
	}
	if err := jsonfile.Decode(data, b); err != nil {
		return nil, nil, wrong(err)
	}
	switch {
	case b.Format > baselineFormat:
		return nil, nil, fault.Errorf("regression: %s has the format %d, this program reads up to %d: "+
			"take a newer nas, or write the baseline anew with --update", path, b.Format, baselineFormat)
	case len(b.Network) == 0:
		return nil, nil, wrong(fmt.Errorf("it has no network"))
	}
	if err := json.Unmarshal(b.Network, n); err != nil {
		return nil, nil, wrong(err)
	}
	return b, n, nil
}
