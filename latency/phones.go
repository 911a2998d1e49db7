package latency

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/internal/table"
	"nas/latency/devices"
	"nas/latency/internal/agreement"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// phoneSource is where the measurements of the phones come from.
const phoneSource = "means of TFLite's benchmark of 39 networks, from dataset/tflite_cnn_e2e.csv of " +
	"github.com/qed-usc/mobile-ml-benchmark (MIT), Li, Paolieri and Golubchik, A Benchmark for ML Inference Latency on " +
	"Mobile Devices, EdgeSys 2024"

// phonesOn is when the phones' models were fitted.
var phonesOn = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// phone is one core of a phone.
type phone struct {
	name          string // of its profile for float32
	device, cores string // in the table of measurements
	fleet         string // of like cores, which are fitted together
	dot           bool   // it has the dot product instruction
	target        timing.Device
}

// phoneFleet is like cores of all phones with one data type.
type phoneFleet struct {
	costmodel.Fleet
	phones   []phone
	dtype    string
	networks []string // their names
}

// int8Suffix is behind the names of profiles for int8.
const int8Suffix = "-int8"

// name is that of the profile of a phone.
func (f *phoneFleet) name(i int) string {
	if f.dtype == "int8" {
		return f.phones[i].name + int8Suffix
	}
	return f.phones[i].name
}

// phoneTables are the shipped tables about phones as they were read.
type phoneTables struct {
	phones   []phone
	networks []string
	units    []engine.Unit
	rows     [][][2]int                    // of each network
	ms       map[[4]string]float64         // by network, device, cores, dtype
	process  map[string]phoneProcess       // by fleet and dtype
	fits     sync.Map                      // by fleet and dtype: what Fleet.Fit returns
	leftOut  map[string]map[string]float64 // by profile and network, in ms: predicted from the other families
}

// phoneProcess are the settings of a fleet's corrections.
type phoneProcess struct {
	Amplitude float64 `json:"amplitude"`
	Length    float64 `json:"length"`
	Noise     float64 `json:"noise"`
}

// phoneFit is what phones_fit.json holds: what takes long to compute. A test computes it anew.
type phoneFit struct {
	Process map[string]phoneProcess       `json:"process"`
	LeftOut map[string]map[string]float64 `json:"left_out"`
}

// readPhones reads the shipped tables about phones, once.
var readPhones = sync.OnceValues(func() (*phoneTables, error) {
	t := &phoneTables{ms: map[[4]string]float64{}}
	b, err := devices.Files.ReadFile("phones_fit.json")
	if err != nil {
		return nil, err
	}
	var fit phoneFit
	if err := json.Unmarshal(b, &fit); err != nil {
		return nil, err
	}
	t.process, t.leftOut = fit.Process, fit.LeftOut
	for file, read := range map[string]func(*table.Row){
		"phones_devices.csv": t.addPhone, "phones_units.csv": t.addUnit, "phones.csv": t.addTime,
	} {
		b, err := devices.Files.ReadFile(file)
		if err != nil {
			return nil, err
		}
		in, err := table.Read(file, bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		for _, row := range in.Rows {
			if read(row); row.Err() != nil {
				return nil, row.Err()
			}
		}
	}
	return t, nil
})

func (t *phoneTables) addPhone(row *table.Row) {
	kb := func(column string) int { return int(row.Int(column)) << 10 }
	t.phones = append(t.phones, phone{
		name: row.Text("name"), device: row.Text("device"), cores: row.Text("cores"), fleet: row.Text("fleet"),
		dot: row.Text("dot") == "true",
		target: timing.Device{
			CPU: row.Text("cpu"), Runtime: "TFLite", Threads: int(row.Int("threads")), Cut: timing.CutTFLite,
			Target: engine.Target{
				ISA: "neon", L1: kb("l1_kb"), L2: kb("l2_kb"), L3: kb("l3_kb"), Threads: int(row.Int("threads")),
			},
		},
	})
}

// addUnit adds the calls of one unit to the network that the row names, the last one or a new one.
func (t *phoneTables) addUnit(row *table.Row) {
	u, err := engine.ParseUnit(row.Text("unit"))
	if err != nil {
		row.Fail("unit", "%w", err)
	}
	at := slices.Index(t.units, u)
	if at < 0 {
		at = len(t.units)
		t.units = append(t.units, u)
	}
	if name := row.Text("network"); len(t.networks) == 0 || t.networks[len(t.networks)-1] != name {
		t.networks, t.rows = append(t.networks, name), append(t.rows, nil)
	}
	last := &t.rows[len(t.rows)-1]
	*last = append(*last, [2]int{at, int(row.Int("calls"))})
}

func (t *phoneTables) addTime(row *table.Row) {
	key := [4]string{row.Text("network"), row.Text("device"), row.Text("cores"), row.Text("dtype")}
	t.ms[key] = row.Float("mean_ms")
}

// fleet collects the measurements of a fleet.
func (t *phoneTables) fleet(name, dtype string) *phoneFleet {
	f := &phoneFleet{Fleet: costmodel.Fleet{Units: t.units, Rows: t.rows}, dtype: dtype, networks: t.networks}
	for _, p := range t.phones {
		if p.fleet != name {
			continue
		}
		runtime := costmodel.XNNPACKFloat
		switch {
		case dtype == "int8" && p.dot:
			runtime = costmodel.XNNPACKInt8Dot
		case dtype == "int8":
			runtime = costmodel.XNNPACKInt8
		}
		ms := make([]float64, len(t.networks))
		for i, n := range t.networks {
			ms[i] = t.ms[[4]string{n, p.device, p.cores, dtype}]
		}
		f.phones, f.Runtimes = append(f.phones, p), append(f.Runtimes, runtime)
		f.Targets, f.Ms = append(f.Targets, p.target.Target), append(f.Ms, ms)
	}
	return f
}

// fitted returns the models of a phone of a fleet, which is fitted once. They are copies.
func (t *phoneTables) fitted(f *phoneFleet, device int) map[string]*KindModel {
	key := f.phones[0].fleet + " " + f.dtype
	fit, ok := t.fits.Load(key)
	if !ok {
		fit, _ = t.fits.LoadOrStore(key, f.Fit())
	}
	kinds := map[string]*KindModel{}
	for name, k := range fit.([]map[string]*KindModel)[device] {
		c := *k
		kinds[name] = &c
	}
	return kinds
}

// phoneProfile makes the profile of a phone that is shipped, or returns nil if there is none of that name.
func phoneProfile(name string) (*Profile, error) {
	t, err := readPhones()
	if err != nil {
		return nil, fault.Errorf("latency: the table of phones: %w", err)
	}
	dtype, plain := "float32", name
	if s, ok := strings.CutSuffix(name, int8Suffix); ok {
		dtype, plain = "int8", s
	}
	i := slices.IndexFunc(t.phones, func(p phone) bool { return p.name == plain })
	if i < 0 || t.leftOut[name] == nil {
		return nil, nil
	}
	f := t.fleet(t.phones[i].fleet, dtype)
	device := slices.IndexFunc(f.phones, func(p phone) bool { return p.name == plain })
	s := t.process[f.phones[device].fleet+" "+dtype]
	like := &costmodel.AdditiveModel{Amplitude: s.Amplitude, Length: s.Length, Noise: s.Noise, Sizes: true}
	return f.profile(device, t.fitted(f, device), like, t.leftOut[name]), nil
}

// profile makes the profile of a device of the fleet. leftOut has the time of each network as it is predicted from the
// networks of other families: the interval and the validation come from it.
func (f *phoneFleet) profile(
	device int, kinds map[string]*KindModel, like *AdditiveModel, leftOut map[string]float64,
) *Profile {
	d := f.phones[device].target
	d.Name, d.DType = f.name(device), f.dtype
	p := &Profile{Format: Format, Device: d, Created: phonesOn, Warnings: []string{}}
	n := len(f.networks)
	p.Calibration = Calibration{Networks: n, Runs: n, Stopped: "networks", Source: phoneSource}
	p.setKinds(kinds)
	p.Sums = f.FitProcess(device, kinds, like)
	for i := range f.Units {
		p.Shapes = append(p.Shapes, costmodel.Unit{Unit: f.Units[i]})
	}
	for i, name := range f.networks {
		ms := f.Ms[device][i]
		s := Sample{MedianMs: ms, LowMs: ms, HighMs: ms, Runs: 1}
		p.HeldOut = append(p.HeldOut, NetworkTime{Name: name, Measured: s, Units: f.Rows[i]})
	}
	m := costmodel.NewUnitModel(nil, kinds, d.Target)
	m.Sum = p.Sums
	hs, macs := p.observations(m)
	ranges := costmodel.FitNetwork(hs)
	p.Network = &NetworkModel{
		Weights: make([]float64, len(ranges.Weights)), Mean: make([]float64, len(ranges.Mean)), HeldOut: n,
		LowMs: ranges.LowMs, HighMs: ranges.HighMs, Low: ranges.Low, High: ranges.High,
	}
	p.interval(hs, macs, leftOut)
	return p
}

// interval sets the interval and the validation by networks whose family had been left out.
func (p *Profile) interval(hs []costmodel.Observation, macs []float64, leftOut map[string]float64) {
	errs, scores := make([]float64, len(hs)), make([]float64, len(hs))
	ps := make([]agreement.Pair, len(hs))
	for i, h := range hs {
		name := p.HeldOut[i].Name
		ps[i] = agreement.Pair{Name: name, Predicted: leftOut[name], Measured: h.Measured, MACs: macs[i]}
		errs[i] = math.Abs(math.Log(h.Measured / leftOut[name]))
	}
	net := p.Network
	net.Floor = max(0.002, stat.Median(slices.Clone(errs)))
	for i := range hs {
		scores[i] = errs[i] / (net.Floor + hs[i].RelativeSD())
	}
	net.Quantile = stat.ConformalQuantile(scores, costmodel.Coverage)
	for i := range ps {
		half := net.Quantile * (net.Floor + hs[i].RelativeSD())
		ps[i].Low, ps[i].High = ps[i].Predicted*math.Exp(-half), ps[i].Predicted*math.Exp(half)
	}
	p.Validation = agreement.Summarize(ps, agreement.FitLine(ps))
}

// shipped lists the profiles of the phones, float32 before int8.
func (t *phoneTables) shipped() []ShippedProfile {
	var out []ShippedProfile
	for _, p := range t.phones {
		for _, dtype := range []string{"float32", "int8"} {
			f := t.fleet(p.fleet, dtype)
			i := slices.IndexFunc(f.phones, func(q phone) bool { return q.name == p.name })
			left := t.leftOut[f.name(i)]
			if left == nil {
				continue
			}
			e := ShippedProfile{Name: f.name(i), Device: p.target, Networks: phoneNetworks, Source: phoneSource}
			e.Device.Name, e.Device.DType = e.Name, dtype
			for k, n := range t.networks {
				e.LeftOutErrorPct += 100 * math.Abs(left[n]/f.Ms[i][k]-1) / float64(len(t.networks))
			}
			out = append(out, e)
		}
	}
	return out
}

// phoneNetworks says for which networks the phones' profiles are right.
const phoneNetworks = "networks at about 224x224 pixels, of 20 to 5,000 M multiply-accumulates"
