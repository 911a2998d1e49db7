package latency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/internal/stat"
	"nas/latency/internal/agreement"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// Format is the version of the profile file that this program writes. It reads
// this one and all before. Since 2 the costs of a kind may be those of another runtime's terms.
const Format = 2

// maxBytes bounds a profile that is read; one of 1500 units takes a megabyte.
const maxBytes = 64 << 20

// Types of other packages that a profile consists of.
type (
	Device        = timing.Device
	Facts         = timing.Facts
	Baseline      = timing.Baseline
	Sample        = timing.Sample
	UnitTime      = costmodel.UnitTime
	KindModel     = costmodel.KindModel
	AdditiveModel = costmodel.AdditiveModel
	NetworkModel  = costmodel.NetworkModel
)

// Validation compares predictions of held-out networks with measurements.
type Validation = agreement.Validation

// Profile holds the measurements of one device, the models fitted to them, and how good
// these are on held-out networks. It is stored as JSON, with one line for each measurement.
type Profile struct {
	Format int    `json:"format"`
	Device Device `json:"device"`
	Facts  Facts  `json:"facts"`

	Created     time.Time   `json:"created"`
	Calibration Calibration `json:"calibration"`
	// Warnings say what was doubtful about the measurements.
	Warnings []string `json:"warnings"`

	Kinds      []*KindModel   `json:"kinds"`
	Network    *NetworkModel  `json:"network"`
	Sums       *AdditiveModel `json:"sums,omitempty"`       // what the kinds' costs leave, where only sums were measured
	Validation *Validation    `json:"validation,omitempty"` // on held-out networks

	// Units is the table of timed units, sorted by their key. HeldOut are networks that were
	// measured end to end and not used to fit the kinds; Shapes are the units that they
	// consist of.
	Units   []UnitTime       `json:"units"`
	HeldOut []NetworkTime    `json:"networks"`
	Shapes  []costmodel.Unit `json:"shapes"`
}

// Calibration says how the measurements were made.
type Calibration struct {
	WallS    float64 `json:"wall_s"`   // all in all
	FitS     float64 `json:"fit_s"`    // of the last fit
	Networks int     `json:"networks"` // whose units were timed
	Runs     int     `json:"runs"`     // of all networks
	Baseline
	SlowPct      float64 `json:"reference_slow_pct"`     // runs of the reference kernel that took over 5 % longer
	InterruptPct float64 `json:"runs_interrupted_pct"`   // runs in which another task took the core
	Stopped      string  `json:"stopped"`                // "budget", "target error", "units", "networks", "interrupted"
	AddedTo      string  `json:"added_to,omitempty"`     // date of the calibration that this one continued
	Source       string  `json:"source,omitempty"`       // where a table comes from
	Base         string  `json:"base_profile,omitempty"` // device whose profile was adapted
	// Heat is the load before the timings; nil: there was none.
	Heat *timing.Heat `json:"heat,omitempty"`
}

// NetworkTime is a network that was measured end to end.
type NetworkTime struct {
	Name     string   `json:"name"`
	Measured Sample   `json:"measured"`
	Units    [][2]int `json:"units"` // index into Shapes, number of calls
}

// ErrNewer is wrapped by the error of Read for a file of a later program.
var ErrNewer = errors.New("the profile was written by a newer version of this program")

// Read reads a profile. name stands in errors.
func Read(r io.Reader, name string) (*Profile, error) {
	b, err := boundedfile.All(r, maxBytes)
	if err != nil {
		return nil, fault.Errorf("latency: reading profile %s: %w", name, err)
	}
	var head struct {
		Format int `json:"format"`
	}
	damaged := func(err error) error {
		return fault.Errorf("latency: profile %s: %w: restore the file, or make a new one on its device with "+
			"nas calibrate --out %s", name, err, name)
	}
	if err := jsonfile.Decode(b, &head); err != nil {
		if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) { // somebody else's file: do not advise to overwrite it
			return nil, fault.Errorf("latency: %s is not a latency profile (%w): "+
				"restore the file; nas calibrate --out PROFILE makes one", name, err)
		}
		return nil, damaged(err)
	}
	switch {
	case head.Format > Format:
		return nil, fault.Errorf("latency: profile %s has format %d, this program knows up to %d: %w; "+
			"update the program or calibrate again", name, head.Format, Format, ErrNewer)
	case head.Format < 1:
		return nil, fault.Errorf("latency: %s is not a latency profile (it has no \"format\"): "+
			"restore the file; nas calibrate --out PROFILE makes one", name)
	}
	p := new(Profile)
	if err := jsonfile.Decode(b, p); err != nil {
		return nil, damaged(err)
	}
	if err := p.check(); err != nil {
		return nil, damaged(err)
	}
	return p, nil
}

// maxCalls bounds the calls of all units in all networks of a profile. A network has some hundreds, a profile some
// hundreds of networks.
const maxCalls = 1 << 22

// check finds what a profile from a file lacks.
func (p *Profile) check() error {
	if !p.Network.Complete() {
		return errors.New("the network model is missing or incomplete")
	}
	for _, b := range p.bounds() {
		if !(b.v >= b.low && b.v <= b.high) {
			return fmt.Errorf("%s = %g, want %g to %g", b.key, b.v, b.low, b.high)
		}
	}
	calls := 0
	for i, h := range p.HeldOut {
		for _, u := range h.Units {
			if u[0] < 0 || u[0] >= len(p.Shapes) || u[1] < 1 {
				return fmt.Errorf("networks[%d]: unit %v is not among the %d shapes", i, u, len(p.Shapes))
			}
			if calls += min(u[1], maxCalls+1); calls > maxCalls { // each is predicted when a profile is used
				return fmt.Errorf("networks[%d]: unit %v: the networks call their units more than %d times", i, u, maxCalls)
			}
		}
	}
	for i, k := range p.Kinds {
		if k == nil {
			return fmt.Errorf("kinds[%d] is null", i)
		}
	}
	return nil
}

// bound says where a number of a profile lies, and where it must lie.
type bound struct {
	key          string
	v, low, high float64
}

// bounds are those of the numbers that a prediction is made from.
func (p *Profile) bounds() []bound {
	const large = 1e9
	n, c, d := p.Network, &p.Calibration, &p.Device
	bs := []bound{
		{"network.floor", n.Floor, 1e-6, 100}, {"network.quantile", n.Quantile, 1e-6, 1e4},
		{"network.between", n.Between, 0, 100}, {"network.held_out", float64(n.HeldOut), 0, large},
		{"network.low_ms", n.LowMs, 0, large},
		{"network.high_ms", n.HighMs, n.LowMs, large}, {"the length of network.low", float64(len(n.Low)),
			float64(len(n.High)), float64(len(n.High))},
		{"calibration.reference_ms", c.ReferenceMs, 0, large}, {"calibration.probe_ns", c.ProbeNs, 0, large},
		{"calibration.clock_ns", c.ClockNs, 0, large},
		{"device.threads", float64(d.Threads), 1, 1024}, {"device.target.threads", float64(d.Target.Threads), 0, 1024},
		{"device.target.l1", float64(d.Target.L1), 0, 1 << 40}, {"device.target.l2", float64(d.Target.L2), 0, 1 << 40},
		{"device.target.l3", float64(d.Target.L3), 0, 1 << 40},
	}
	list := func(key string, vs []float64, low, high float64) {
		for i, v := range vs {
			bs = append(bs, bound{fmt.Sprintf("%s[%d]", key, i), v, low, high})
		}
	}
	process := func(key string, k *stat.ResidualKernel) {
		if k != nil {
			list(key+".scale", k.Scale, 1e-9, math.MaxFloat64)
			bs = append(bs, bound{key + ".signal", k.Signal, 0, large}, bound{key + ".noise", k.Noise, 0, large})
		}
	}
	list("network.weights", n.Weights, -large, large)
	list("network.mean", n.Mean, -large, large)
	for i := range min(len(n.Low), len(n.High)) {
		bs = append(bs, bound{fmt.Sprintf("network.low[%d]", i), n.Low[i], -large, n.High[i]})
	}
	list("network.drift", n.Drift, -10, 10)
	process("network.process", n.Process)
	for i, k := range p.Kinds {
		if k == nil {
			continue
		}
		for _, term := range slices.Sorted(maps.Keys(k.Costs)) {
			bs = append(bs, bound{fmt.Sprintf("kinds[%d].costs.%s", i, term), k.Costs[term], 0, large})
		}
		at := fmt.Sprintf("kinds[%d]", i)
		bs = append(bs, bound{at + ".rough", k.ResidualRMS, 0, large}, bound{at + ".leave_one_out", k.LeaveOneOut, 0, large})
		process(at+".process", k.Hyper)
	}
	if s := p.Sums; s != nil {
		bs = append(bs, bound{"sums.amplitude", s.Amplitude, 0, large}, bound{"sums.length", s.Length, 1e-9, large},
			bound{"sums.noise", s.Noise, 0, large}, bound{"sums.level", s.Level, -100, 100})
		list("sums.knots", s.Knots, -large, large)
	}
	for i := range p.HeldOut {
		bs = append(bs, bound{fmt.Sprintf("networks[%d].measured.median_ms", i), p.HeldOut[i].Measured.MedianMs, 1e-9, large})
	}
	return bs
}

// notThere is an [os.ErrNotExist] that says how to make the file.
type notThere struct{ path string }

func (e notThere) Error() string {
	return fmt.Sprintf("latency: there is no profile %s: nas calibrate --out %s makes one", e.path, e.path)
}
func (e notThere) Is(t error) bool { return t == os.ErrNotExist }

// Write writes the profile as indented JSON, with one line for each measurement.
func (p *Profile) Write(w io.Writer) error {
	head := *p
	head.Units, head.HeldOut, head.Shapes = nil, nil, nil
	b, err := json.MarshalIndent(&head, "", " ")
	if err != nil {
		return fault.Errorf("latency: %w", err)
	}
	var buf bytes.Buffer
	buf.Write(bytes.TrimRight(b[:bytes.LastIndex(b, []byte(",\n \"units\""))], " \n"))
	err = errors.Join(lines(&buf, "units", p.Units), lines(&buf, "networks", p.HeldOut), lines(&buf, "shapes", p.Shapes))
	if err != nil {
		return fault.Errorf("latency: %w", err)
	}
	buf.WriteString("\n}\n")
	_, err = w.Write(buf.Bytes())
	return err
}

// lines writes a list with one line for each element.
func lines[T any](buf *bytes.Buffer, key string, list []T) error {
	fmt.Fprintf(buf, ",\n %q: [", key)
	for i := range list {
		b, err := json.Marshal(list[i])
		if err != nil {
			return err
		}
		if i > 0 {
			buf.WriteByte(',')
		}
		buf.WriteString("\n  ")
		buf.Write(b)
	}
	if len(list) > 0 {
		buf.WriteString("\n ")
	}
	buf.WriteByte(']')
	return nil
}

// Save writes the profile to a file, whole or not at all: a reader sees the old
// file or the new one.
func (p *Profile) Save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.Errorf("latency: saving the profile: %w", err)
	}
	if err := atomicfile.Write(path, p.Write); err != nil {
		return fault.Errorf("latency: saving the profile: %w", err)
	}
	return nil
}

// Extensible reports whether a calibration can add to the profile. It cannot if the
// profile was fitted to end-to-end latencies or to a table of somebody else's.
func (p *Profile) Extensible() bool { return p.Calibration.Base == "" && p.Calibration.Source == "" }

// Matches returns nil if rt times the very device that the profile is of, and
// else an error that names the first difference: what is measured there cannot
// be held against this profile.
func (p *Profile) Matches(rt timing.Runtime) error { return p.Device.Match(rt.Device()) }

// Busy returns why the profile should not be trusted, or "". It should not if other programs took
// a large part of the machine during the calibration, and if the held-out networks show it or
// are too few to show anything.
func (p *Profile) Busy() string {
	c := &p.Calibration
	v := p.Validation
	if c.InterruptPct <= 25 && c.SlowPct <= 50 || v == nil && c.WallS < 20 {
		return "" // a short calibration has a warning that it is rough
	}
	shown := "too few networks could be measured to judge the model"
	if v != nil {
		if v.MAPEPct <= busyError {
			return ""
		}
		shown = fmt.Sprintf("the model errs by %.1f %% on networks that it has not seen", v.MAPEPct)
	}
	return fmt.Sprintf("other programs interrupted %.0f %% of the runs, the reference kernel was slowed down in %.0f %% "+
		"of its, and %s", c.InterruptPct, c.SlowPct, shown)
}

// busyError is the error on held-out networks, in per cent, beyond which a calibration on a busy
// machine is not trusted: about twice the error on a quiet machine.
const busyError = 4
