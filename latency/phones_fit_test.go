package latency

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"nas/internal/stat"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

var updatePhones = flag.Bool("update-phones", false, "write latency/devices/phones_units.csv and phones_fit.json anew")

// phoneFamily is the family of a network: what is left out together.
func phoneFamily(network string) string {
	families := []string{
		"efficientnet_edge", "fdmobilenet", "mobilenetv2", "mobilenetv3", "mobilenet", "regnet", "resnext",
		"seresnet", "resnet",
	}
	for _, f := range families {
		if strings.HasPrefix(network, f) {
			return f
		}
	}
	return network
}

// TestPhoneUnits holds the table of units against the networks.
func TestPhoneUnits(t *testing.T) {
	d := timing.Device{Cut: timing.CutTFLite, Target: timing.PhoneTarget(1)}
	var b bytes.Buffer
	b.WriteString("network,calls,unit\n")
	for _, row := range phoneRows(t, "testdata/phones_networks.csv") {
		calls, err := d.Calls(phoneNetwork(t, row[0]))
		if err != nil {
			t.Fatal(err)
		}
		var p Profile
		p.AddHeldOut(row[0], calls, Sample{})
		for _, u := range p.HeldOut[0].Units {
			fmt.Fprintf(&b, "%s,%d,%s\n", row[0], u[1], p.Shapes[u[0]].Key())
		}
	}
	const path = "devices/phones_units.csv"
	if *updatePhones {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the networks consist of: go test ./latency -run PhoneUnits -update-phones", path)
	}
}

// leaveOut predicts the networks of a family on all devices of a fleet from the other families, in ms.
func (f *phoneFleet) leaveOut(family string) []map[string]float64 {
	g := f.Without(func(i int) bool { return phoneFamily(f.networks[i]) == family })
	kinds := g.Fit()
	like := g.TuneProcess(kinds)
	out := make([]map[string]float64, len(f.phones))
	for d := range f.phones {
		m := costmodel.NewUnitModel(nil, kinds[d], f.Targets[d])
		m.Sum = g.FitProcess(d, kinds[d], like)
		out[d] = map[string]float64{}
		for i, n := range f.networks {
			if phoneFamily(n) != family {
				continue
			}
			for _, r := range f.Rows[i] {
				out[d][n] += m.Cost(&f.Units[r[0]]).Ms * float64(r[1])
			}
		}
	}
	return out
}

func (f *phoneFleet) families() []string {
	var all []string
	for _, n := range f.networks {
		all = append(all, phoneFamily(n))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// phoneFleets are those that may be shipped.
var phoneFleets = [][2]string{
	{"large", "float32"}, {"large", "int8"}, {"small", "float32"}, {"small", "int8"},
	{"two threads", "float32"}, {"two threads", "int8"}, {"gpu", "float32"},
}

// TestPhonesLeftOutAnew computes what phones_fit.json holds. It takes a minute or two; without NAS_PHONES=1 it computes
// one family of one fleet.
func TestPhonesLeftOutAnew(t *testing.T) {
	tables, err := readPhones()
	if err != nil {
		t.Fatal(err)
	}
	all := os.Getenv("NAS_PHONES") != "" || *updatePhones
	fit := phoneFit{map[string]phoneProcess{}, map[string]map[string]float64{}}
	for i, k := range phoneFleets {
		f := tables.fleet(k[0], k[1])
		if !all && i > 0 {
			break
		}
		if all {
			like := f.TuneProcess(f.Fit())
			fit.Process[k[0]+" "+k[1]] = phoneProcess{like.Amplitude, like.Length, like.Noise}
		}
		for _, family := range f.families() {
			if !all && family != "mnasnet_b1" {
				continue
			}
			for d, ms := range f.leaveOut(family) {
				name := f.name(d)
				if fit.LeftOut[name] == nil {
					fit.LeftOut[name] = map[string]float64{}
				}
				for n, v := range ms {
					fit.LeftOut[name][n] = math.Round(v*1e4) / 1e4
				}
			}
		}
	}
	for name, ms := range fit.LeftOut {
		if e := leftOutError(tables, name, ms); all && e > shippedErrorPct {
			t.Logf("%s is off by %.1f %%: it is not shipped", name, e)
			delete(fit.LeftOut, name)
		}
	}
	if *updatePhones {
		b, err := json.MarshalIndent(fit, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("devices/phones_fit.json", append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	compareLeftOut(t, tables, &fit)
}

// shippedErrorPct is the error on left-out families up to which a profile is shipped.
const shippedErrorPct = 5.5

// compareLeftOut holds the stored predictions against new ones.
func compareLeftOut(t *testing.T, tables *phoneTables, fit *phoneFit) {
	t.Helper()
	for k, p := range fit.Process {
		if p != tables.process[k] {
			t.Errorf("%s: settings %v are stored, %v are found", k, tables.process[k], p)
		}
	}
	compared := 0
	if len(fit.Process) > 0 && len(fit.LeftOut) != len(tables.leftOut) {
		t.Errorf("%d profiles are shipped, %d have a small enough error", len(tables.leftOut), len(fit.LeftOut))
	}
	for name, stored := range tables.leftOut {
		for n, ms := range fit.LeftOut[name] {
			compared++
			if math.Abs(ms/stored[n]-1) > 1e-3 {
				t.Errorf("%s, %s: %.4f ms are stored, %.4f are predicted", name, n, stored[n], ms)
			}
		}
	}
	if compared < 6 {
		t.Errorf("%d predictions were compared", compared)
	}
}

// leftOutError is the mean error of predictions for a profile, in per cent.
func leftOutError(tables *phoneTables, name string, ms map[string]float64) float64 {
	for _, k := range phoneFleets {
		f := tables.fleet(k[0], k[1])
		for d := range f.phones {
			if f.name(d) != name {
				continue
			}
			sum := 0.0
			for i, n := range f.networks {
				sum += 100 * math.Abs(ms[n]/f.Ms[d][i]-1) / float64(len(f.networks))
			}
			return sum
		}
	}
	return math.Inf(1)
}

// TestPhonesLeftOut reports how well the shipped profiles predict families that they have not seen, and how many of
// these their intervals hold. The width of the interval of each family comes from the other families alone. With
// NAS_PHONES=1 it does so for all cores, otherwise for the largest one of each phone.
func TestPhonesLeftOut(t *testing.T) {
	tables, err := readPhones()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range phoneFleets {
		if k[0] != "large" && os.Getenv("NAS_PHONES") == "" {
			continue
		}
		f := tables.fleet(k[0], k[1])
		var errors, covered, lines []float64
		for d := range f.phones {
			name := f.name(d)
			p, err := phoneProfile(name)
			if err != nil {
				t.Fatal(err)
			}
			if p == nil {
				t.Logf("%-22s is not shipped", name)
				continue
			}
			v := p.Validation
			c := nestedCoverage(p, tables.leftOut[name])
			errors, covered, lines = append(errors, v.MAPEPct), append(covered, c), append(lines, v.BaseMAPE)
			t.Logf("%-22s error %.1f %%, within 10 %%: %.0f %%, 90 %% interval holds %.0f %%, mean width %.0f %%, "+
				"line through MACs %.1f %%", name, v.MAPEPct, v.Within10, c, v.WidthPct, v.BaseMAPE)
		}
		if len(errors) == 0 {
			continue
		}
		t.Logf(
			"%s, mean: error %.2f %%, interval holds %.1f %%, line %.1f %%",
			k,
			mean(errors),
			mean(covered),
			mean(lines),
		)
		limit := map[string]float64{"float32": 4, "int8": 5}[k[1]]
		if k[0] == "large" && (mean(errors) > limit || mean(covered) < 85) {
			t.Errorf("%s: want at most %g %% and at least 85 %%", k, limit)
		}
	}
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x / float64(len(xs))
	}
	return sum
}

// nestedCoverage is the share of networks in their intervals, if the width comes from the other families alone.
func nestedCoverage(p *Profile, leftOut map[string]float64) float64 {
	m, err := p.Predictor()
	if err != nil {
		return math.NaN()
	}
	hs, _ := p.observations(m.units)
	families := map[string]bool{}
	for _, h := range p.HeldOut {
		families[phoneFamily(h.Name)] = true
	}
	in := 0
	for family := range families {
		var errs, sds []float64
		for i, h := range p.HeldOut {
			if phoneFamily(h.Name) != family {
				errs = append(errs, math.Abs(math.Log(hs[i].Measured/leftOut[h.Name])))
				sds = append(sds, hs[i].RelativeSD())
			}
		}
		floor := max(0.002, stat.Median(slices.Clone(errs)))
		for i := range errs {
			errs[i] /= floor + sds[i]
		}
		q := stat.ConformalQuantile(errs, costmodel.Coverage)
		for i, h := range p.HeldOut {
			if phoneFamily(h.Name) == family &&
				math.Abs(math.Log(hs[i].Measured/leftOut[h.Name])) <= q*(floor+hs[i].RelativeSD()) {
				in++
			}
		}
	}
	return 100 * float64(in) / float64(len(p.HeldOut))
}
