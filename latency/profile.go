package latency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"nas/blocks/engine"
	"nas/internal/jsonfile"
)

// Format is the version of the profile file that this program writes. It reads
// this one and all before.
const Format = 1

// Profile is what is known about the speed of one device: the measurements, the
// model fitted to them, and how good that is. It is stored as JSON, one line a
// measurement.
type Profile struct {
	Format int    `json:"format"`
	Device Device `json:"device"`
	Facts  Facts  `json:"facts"`

	Created     time.Time   `json:"created"`
	Calibration Calibration `json:"calibration"`
	// Warnings are what was doubtful about the measurements.
	Warnings []string `json:"warnings"`

	Kinds      []*KindModel  `json:"kinds"`
	Network    *NetworkModel `json:"network"`
	Sums       *SumModel     `json:"sums,omitempty"`       // what the kinds' costs leave, where only sums were measured
	Validation *Validation   `json:"validation,omitempty"` // on held-out networks

	// Units is the table, sorted by unit. HeldOut are networks that were measured
	// whole and not used to fit the units; Shapes are the units they consist of.
	Units   []UnitTime   `json:"units"`
	HeldOut []WholeTime  `json:"networks"`
	Shapes  []engineUnit `json:"shapes"`
}

// Device is what a profile is of. Timings with equal Device can be compared and
// put together. It is comparable.
type Device struct {
	Name    string        `json:"name"`              // "native", a recipe's or a table's name
	CPU     string        `json:"cpu"`               // model name of the processor
	Runtime string        `json:"runtime"`           // "nas kernels", "onnxruntime 1.30.0"
	Version string        `json:"version,omitempty"` // of the runtime; empty: not a release
	DType   string        `json:"dtype"`
	Threads int           `json:"threads"`
	Cut     string        `json:"cut,omitempty"` // how networks are cut into units; empty: as the engine's plan
	CPUSet  string        `json:"cpu_set"`       // cores, "1" or "0-3"; empty: any
	Target  engine.Target `json:"target"`
}

// String names the device for people and plots.
func (d Device) String() string {
	th := "1 thread"
	if d.Threads > 1 {
		th = fmt.Sprintf("%d threads", d.Threads)
	}
	return fmt.Sprintf("%s on %s, %s", d.Runtime, d.CPU, th)
}

// Calibration says how the measurements came about.
type Calibration struct {
	WallS    float64 `json:"wall_s"`
	FitS     float64 `json:"fit_s"`
	Networks int     `json:"networks"` // whose units were timed
	Runs     int     `json:"runs"`
	Seed     uint64  `json:"seed"`
	Baseline
	SlowPct      float64 `json:"reference_slow_pct"`     // share of its runs that took more than 5 % longer
	InterruptPct float64 `json:"runs_interrupted_pct"`   // share of runs in which another task took the core
	Stopped      string  `json:"stopped"`                // "budget", "target error", "units", "networks", "interrupted"
	AddedTo      string  `json:"added_to,omitempty"`     // when this calibration continued an older one: its date
	Source       string  `json:"source,omitempty"`       // of a table: where it comes from
	Base         string  `json:"base_profile,omitempty"` // of an adapted profile
}

// WholeTime is a network that was measured whole.
type WholeTime struct {
	Name     string   `json:"name"`
	Measured Sample   `json:"measured"`
	Units    [][2]int `json:"units"` // index into Shapes, number of calls
}

// engineUnit is a unit stored as its key.
type engineUnit struct{ engine.Unit }

func (u engineUnit) MarshalText() ([]byte, error) { return []byte(u.Key()), nil }

func (u *engineUnit) UnmarshalText(b []byte) (err error) {
	u.Unit, err = engine.ParseUnit(string(b))
	return err
}

type unitTimeJSON struct {
	Unit     engineUnit `json:"unit"`
	Ms       float64    `json:"ms"`
	Spread   float64    `json:"spread"`
	Networks int        `json:"networks"`
}

// MarshalJSON writes the unit as its key.
func (u UnitTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(unitTimeJSON{engineUnit{u.Unit}, u.Ms, u.Spread, u.Networks})
}

// UnmarshalJSON is the inverse.
func (u *UnitTime) UnmarshalJSON(b []byte) error {
	var j unitTimeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if !(j.Ms > 0) {
		return fmt.Errorf("unit %q: %g ms is not a time", j.Unit.Key(), j.Ms)
	}
	*u = UnitTime{j.Unit.Unit, j.Ms, j.Spread, j.Networks}
	return nil
}

// ErrNewer is wrapped by the error of Read for a file of a later program.
var ErrNewer = errors.New("the profile was written by a newer version of this program")

// Read reads a profile. name stands in errors.
func Read(r io.Reader, name string) (*Profile, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("latency: reading profile %s: %w", name, err)
	}
	var head struct {
		Format int `json:"format"`
	}
	damaged := func(err error) error {
		return fmt.Errorf("latency: profile %s: %w: restore the file, or make a new one on its device with nas calibrate --out %s", name, err, name)
	}
	if err := jsonfile.Decode(b, &head); err != nil {
		return nil, damaged(err)
	}
	switch {
	case head.Format > Format:
		return nil, fmt.Errorf("latency: profile %s has format %d, this program knows up to %d: %w; update the program or calibrate again", name, head.Format, Format, ErrNewer)
	case head.Format < 1:
		return nil, fmt.Errorf("latency: %s is not a latency profile (it has no \"format\"): nas calibrate --out PROFILE makes one", name)
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

func (p *Profile) check() error {
	if p.Network == nil || len(p.Network.Weights) != len(p.Network.Mean) || len(p.Network.Mean) != len((&sums{}).features()) {
		return errors.New("the network model is missing or incomplete")
	}
	for i, h := range p.HeldOut {
		for _, u := range h.Units {
			if u[0] < 0 || u[0] >= len(p.Shapes) || u[1] < 1 {
				return fmt.Errorf("networks[%d]: unit %v is not among the %d shapes", i, u, len(p.Shapes))
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

// notThere is [os.ErrNotExist] with the cure instead of the words of a system call.
type notThere struct{ path string }

func (e notThere) Error() string {
	return fmt.Sprintf("latency: there is no profile %s: nas calibrate --out %s makes one", e.path, e.path)
}
func (e notThere) Is(t error) bool { return t == os.ErrNotExist }

// Load reads the profile in a file, or makes the one of that name that comes
// with the program ([Shipped]). The error wraps fs.ErrNotExist if there is no such
// file, and [ErrNewer] if a later program wrote it; that of a damaged file names
// line and key.
func Load(path string) (*Profile, error) {
	if _, ok := shippedTables[path]; ok {
		return shipped(path)
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, notThere{path}
	}
	if err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	defer f.Close()
	return Read(f, path)
}

// Write writes the profile: a page of indented JSON, and one line for each
// measurement.
func (p *Profile) Write(w io.Writer) error {
	head := *p
	head.Units, head.HeldOut, head.Shapes = nil, nil, nil
	b, err := json.MarshalIndent(&head, "", " ")
	if err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	var buf bytes.Buffer
	buf.Write(bytes.TrimRight(b[:bytes.LastIndex(b, []byte(",\n \"units\""))], " \n"))
	if err := errors.Join(lines(&buf, "units", p.Units), lines(&buf, "networks", p.HeldOut), lines(&buf, "shapes", p.Shapes)); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	buf.WriteString("\n}\n")
	_, err = w.Write(buf.Bytes())
	return err
}

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
		return fmt.Errorf("latency: saving the profile: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".profile-*")
	if err != nil {
		return fmt.Errorf("latency: saving the profile: %w", err)
	}
	err = errors.Join(p.Write(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("latency: saving the profile: %w", err)
	}
	return nil
}

// ErrNoCache is wrapped by the error of CachePath on a system that names no
// directory for a user's cache (no HOME).
var ErrNoCache = errors.New("no cache directory for this user (HOME is not set); say where the profile goes with --out")

// CachePath returns the file in the user's cache directory in which the profile
// of a device is kept.
func CachePath(d Device) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("latency: %w", ErrNoCache)
	}
	name := fmt.Sprintf("%s-%s-%s-t%d", slug(d.Name), slug(d.CPU), slug(d.Target.ISA), d.Threads)
	if d.Name != nativeName {
		name += "-" + slug(d.Runtime)
	}
	return filepath.Join(dir, "nas", "latency", name+".json"), nil
}

// Cached loads the profile of a device from the user's cache directory. The
// error wraps fs.ErrNotExist if there is none, or one that is of another device
// all the same.
func Cached(d Device) (*Profile, error) {
	path, err := CachePath(d)
	if err != nil {
		return nil, err
	}
	p, err := Load(path)
	if err != nil {
		return nil, err
	}
	if err := p.Device.match(d); err != nil {
		return nil, fmt.Errorf("latency: the cached profile %s does not fit (%v): %w", path, err, os.ErrNotExist)
	}
	return p, nil
}

// CachedBaseline returns what a device takes undisturbed, as its cached profile knows it,
// and nothing where there is none. The rest of the profile, which takes some megabytes, is
// not read.
func CachedBaseline(d Device) Baseline {
	var head struct {
		Device      Device
		Calibration struct{ Baseline }
	}
	path, err := CachePath(d)
	if err != nil {
		return Baseline{}
	}
	b, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(b, &head) != nil || head.Device.match(d) != nil {
		return Baseline{}
	}
	return head.Calibration.Baseline
}

// Extensible reports whether a calibration can add to the profile. It cannot if the
// profile was fitted to end-to-end latencies or to a table of somebody else's.
func (p *Profile) Extensible() bool { return p.Calibration.Base == "" && p.Calibration.Source == "" }

// Matches returns nil if rt times the very device that the profile is of, and
// else an error that names the first difference: what is measured there cannot
// be held against this profile.
func (p *Profile) Matches(rt Runtime) error { return p.Device.match(rt.Device()) }

// match returns an error that names the first difference between two devices.
// The set of cores does not count, as long as their number is the same.
func (d Device) match(o Device) error {
	for _, f := range []struct {
		what string
		a, b any
	}{
		{"device", d.Name, o.Name}, {"processor", d.CPU, o.CPU}, {"runtime", d.Runtime, o.Runtime}, {"runtime version", d.Version, o.Version},
		{"data type", d.DType, o.DType}, {"threads", d.Threads, o.Threads}, {"cut", d.Cut, o.Cut}, {"target", d.Target, o.Target},
	} {
		if f.a != f.b {
			return fmt.Errorf("the profile's %s is %v, here it is %v", f.what, f.a, f.b)
		}
	}
	return nil
}
