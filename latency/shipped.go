package latency

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"nas/blocks/engine"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/latency/devices"
	"nas/latency/timing"
)

// shippedTables describes the measurements that come with the program, by the name of the profile.
var shippedTables = map[string]TableOptions{
	"raspi4-fbnet": {
		Device: timing.Device{
			Name: "raspi4-fbnet", CPU: "Raspberry Pi 4 (Cortex-A72)", Runtime: "TFLite", DType: "float32", Threads: 1,
			Target: engine.Target{ISA: "neon", L1: 32 << 10, L2: 1 << 20, L3: 1 << 20, Threads: 1},
		},
		Only: "raspi4", Source: helpSource,
	},
	"pixel3-fbnet": {
		Device: timing.Device{
			Name: "pixel3-fbnet", CPU: "Pixel 3 (Snapdragon 845)", Runtime: "TFLite", DType: "float32", Threads: 1,
			Target: engine.Target{ISA: "neon", L1: 64 << 10, L2: 256 << 10, L3: 2 << 20, Threads: 1},
		},
		Only: "pixel3", Source: helpSource,
	},
}

const helpSource = "blocks of FBNet's space at 32x32 inputs, solved from the network latencies in data/fbnet of " +
	"github.com/HayeonLee/HELP (MIT), which are HW-NAS-Bench's (Li et al., ICLR 2021)"

// shippedOn is when the shipped tables were made.
var shippedOn = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// shipped makes the profile of that name.
func shipped(name string) (*Profile, error) {
	b, err := devices.Files.ReadFile("fbnet_blocks.csv")
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	p, err := FromTable(bytes.NewReader(b), name, shippedTables[name])
	if err != nil {
		return nil, err
	}
	p.Created = shippedOn
	return p, nil
}

// Load reads the profile in a file, or makes the one of that name that comes with the program, such as "pixel4" or
// "raspi4-fbnet" (see [Shipped]). The error wraps fs.ErrNotExist if there is no such file, and
// [ErrNewer] if a later program wrote it; that of a damaged file names line and key.
func Load(path string) (*Profile, error) {
	if _, ok := shippedTables[path]; ok {
		return shipped(path)
	}
	if p, err := phoneProfile(path); p != nil || err != nil {
		return p, err
	}
	f, err := boundedfile.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, notThere{path}
	}
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	defer f.Close()
	return Read(f, path)
}

// ShippedProfile describes a profile that comes with the program.
type ShippedProfile struct {
	Name   string // what Load takes
	Device Device
	// Networks says for which networks the profile is right.
	Networks string
	// LeftOutErrorPct is the mean error, in per cent, on networks whose whole family was left out of the fit; 0: not
	// known.
	LeftOutErrorPct float64
	Source          string // of the measurements
}

// Shipped lists the profiles that come with the program, those of phones first.
func Shipped() ([]ShippedProfile, error) {
	t, err := readPhones()
	if err != nil {
		return nil, fault.Errorf("latency: the table of phones: %w", err)
	}
	out := t.shipped()
	for _, name := range slices.Sorted(maps.Keys(shippedTables)) {
		o := shippedTables[name]
		out = append(out, ShippedProfile{
			Name: name, Device: o.Device, Networks: "blocks of FBNet's space, at 32x32 pixels", Source: o.Source,
		})
	}
	return out, nil
}
