package latency

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/internal/table"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// TableOptions say what a table of measurements is of.
type TableOptions struct {
	// Device: Name, CPU, Runtime, DType and Threads describe the device for people.
	// Target is the processor whose tiles and caches the cost terms assume; the
	// zero Target is a phone's.
	Device timing.Device
	Source string // where the table comes from; kept in the profile
	// Only, if not empty, is the value that the column "device" must have.
	Only string
	// Network turns the text of the column "network" into a network; needed for
	// tables that have one.
	Network func(text string) (*blocks.Network, error)
	// Base, for a table of networks, is the profile of another device to start
	// from (see Adapt).
	Base *Profile
}

// FromTable makes a profile from measurements in a CSV file with a header line.
// The columns decide what a row is; ms is in milliseconds. Further columns are
// ignored. name stands in errors. Rows of the same unit count with their median.
//
//	unit, ms                      a kernel, as its key in profiles
//	network, ms                   a whole network
//	h_in, c_in, c_out, stride,    a separable block: 1x1 convolution to expansion x c_in channels,
//	kernel, expansion, ms         depthwise convolution of that kernel size and stride, 1x1 to c_out;
//	  [w_in, groups, dilation,    groups is that of the 1x1 convolutions
//	   activation, residual,       w_in is h_in, and the block has a residual where
//	   expand_conv]                stride is 1 and c_in = c_out, unless said
//
// expand_conv says whether a block of expansion 1 begins with its 1x1 convolution (FBNet) or with the depthwise
// one (MobileNetV2, ProxylessNAS). Without the column it does where the table has groups, as FBNet's; the profile's
// warnings say how such rows were read.
//
// Instead of ms, a table of blocks may have ms_minus_skip: the time that is left
// after that of a 1x1 convolution with the block's stride and channels, where the
// block has no residual. Tables solved from networks that skip blocks tell no more.
//
// A time that is far from what the others let expect, such as one in another unit, is left out; a warning names
// its row. With a column device, the rows of TableOptions.Only are taken. Rows of networks
// and of kernels or blocks cannot stand in one table.
func FromTable(r io.Reader, name string, o TableOptions) (*Profile, error) {
	in, err := table.Read(name, r)
	if err != nil {
		return nil, fault.Errorf("latency: table %w", err)
	}
	t := &measurements{
		Table: in, msCol: "ms", o: o, units: map[engine.Unit][]float64{}, rows: map[engine.Unit][]string{},
	}
	if !t.Has("ms") && t.Has("ms_minus_skip", "expansion") {
		t.msCol = "ms_minus_skip"
	}
	if err := t.Need(t.msCol); err != nil {
		return nil, fault.Errorf("latency: table %w", err)
	}
	var add func(*table.Row)
	switch {
	case t.Has("unit"):
		add = t.addUnit
	case t.Has("network"):
		if o.Network == nil {
			return nil, fault.Errorf("latency: table %s: networks are not understood here", name)
		}
		add = t.addNetwork
	case t.Has("h_in", "c_in", "c_out", "stride", "kernel", "expansion"):
		add = t.addBlock
	default:
		return nil, fault.Errorf("latency: table %s: want columns unit, or network, "+
			"or h_in, c_in, c_out, stride, kernel and expansion; it has %s",
			name, strings.Join(t.Columns, ", "))
	}
	var errs []error
	for _, row := range t.Rows {
		if o.Only != "" && t.Has("device") && row.Text("device") != o.Only {
			continue
		}
		add(row)
		if err := row.Err(); err != nil {
			errs = append(errs, fault.Errorf("latency: table %w", err))
			if len(errs) == 20 {
				break
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t.profile()
}

// measurements are a table's rows as they are read.
type measurements struct {
	*table.Table
	msCol string // of the time
	o     TableOptions
	units map[engine.Unit][]float64
	rows  map[engine.Unit][]string // where they stand
	nets  []Measured
	block bool
	asked string // the first row of expansion 1 that does not say whether the block begins with a 1x1 convolution
}

// ms returns the time of a row.
func (t *measurements) ms(row *table.Row) float64 {
	v := row.Float(t.msCol)
	if !(v >= 1e-6 && v <= 1e9) {
		row.Fail(t.msCol, "want milliseconds, 0.000001 to 1000000000")
	}
	return v
}

func (t *measurements) add(u engine.Unit, ms float64, row *table.Row) {
	t.units[u] = append(t.units[u], ms)
	t.rows[u] = append(t.rows[u], row.String())
}

func (t *measurements) addUnit(row *table.Row) {
	ms := t.ms(row)
	u, err := engine.ParseUnit(row.Text("unit"))
	if err != nil {
		row.Fail("unit", "%w", err)
	}
	if row.Err() == nil {
		t.add(u, ms, row)
	}
}

func (t *measurements) addNetwork(row *table.Row) {
	ms := t.ms(row)
	n, err := t.o.Network(row.Text("network"))
	if err != nil {
		row.Fail("network", "%w", err)
	}
	t.nets = append(t.nets, Measured{Network: n, Ms: ms, Where: row.String()})
}

func (t *measurements) addBlock(row *table.Row) {
	num := func(col string, def int) int {
		if !t.Has(col) {
			return def
		}
		n := row.Int(col)
		if n < 1 || n > 1<<16 {
			row.Fail(col, "want a whole number of 1 or more")
		}
		return int(n)
	}
	ms := t.ms(row)
	h, cin, cout, stride, k := num("h_in", 0), num("c_in", 0), num("c_out", 0), num("stride", 0), num("kernel", 0)
	w, groups, dil := num("w_in", h), num("groups", 1), num("dilation", 1)
	exp := row.Float("expansion")
	if !(exp > 0 && exp <= 64) {
		row.Fail("expansion", "want a number above 0, at most 64")
	}
	act, residual := blocks.ReLU, stride == 1 && cin == cout
	var err error
	if t.Has("activation") {
		if act, err = blocks.ParseActFunc(row.Text("activation")); err != nil {
			row.Fail("activation", "%w", err)
		}
	}
	if t.Has("residual") {
		if residual, err = strconv.ParseBool(row.Text("residual")); err != nil {
			row.Fail("residual", "want true or false")
		}
	}
	mid, expands := int(math.Round(exp*float64(cin))), t.expands(row, exp)
	if row.Err() != nil {
		return
	}
	midAct := act
	if !expands {
		midAct = blocks.Identity
	}
	p := dil * (k - 1) / 2
	t.block = true
	t.add(engine.Unit{
		Name: "block", In: blocks.Shape{H: h, W: w, C: cin},
		Out:    blocks.Shape{H: (h + stride - 1) / stride, W: (w + stride - 1) / stride, C: cout},
		Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Dilation: [2]int{dil, dil}, Pad: [2]int{p, p}, Groups: groups,
		Mid: mid, MidAct: midAct, DWAct: act, Residual: residual, Batch: 1,
	}, ms, row)
}

// expands tells whether the block of a row begins with a 1x1 convolution.
func (t *measurements) expands(row *table.Row, expansion float64) bool {
	switch text := row.Text("expand_conv"); {
	case text != "":
		yes, err := strconv.ParseBool(text)
		if err != nil || !yes && expansion != 1 {
			row.Fail("expand_conv", "want true or false, and true where expansion is not 1")
		}
		return yes
	case expansion != 1:
		return true
	}
	t.asked = cmp.Or(t.asked, row.String())
	return t.Has("groups")
}

// profile fits the profile to the rows.
func (t *measurements) profile() (*Profile, error) {
	d := t.o.Device
	d.Name = cmp.Or(d.Name, "table")
	d.Threads = max(1, d.Threads)
	if base := t.o.Base; base != nil {
		d.DType = cmp.Or(d.DType, base.Device.DType)
	}
	d.DType = cmp.Or(d.DType, "float32")
	if d.Target.ISA == "" {
		d.Target = timing.PhoneTarget(d.Threads)
	}
	d.Cut = timing.CutOps
	if t.o.Base != nil && t.o.Base.Device.Cut == timing.CutTFLite {
		d.Cut = timing.CutTFLite
	}
	if len(t.nets) > 0 {
		p, err := Adapt(t.o.Base, d, t.nets)
		if err == nil {
			err = p.Unrelated()
		}
		if err != nil {
			return nil, err
		}
		p.Calibration.Source = t.o.Source
		return p, nil
	}
	if len(t.units) == 0 {
		of := ""
		if t.o.Only != "" {
			of = " of device " + t.o.Only
		}
		return nil, fault.Errorf("latency: table %s has no rows%s", t.Name, of)
	}
	if t.block {
		d.Cut = timing.CutBlocks
	}
	p := &Profile{Format: Format, Device: d, Created: time.Now().UTC().Truncate(time.Second)}
	for u, ms := range t.units {
		p.Units = append(p.Units, UnitTime{
			Unit: u, Ms: stat.Median(ms), Spread: max(0.003, stat.RelativeMAD(ms)), Networks: len(ms),
		})
	}
	slices.SortFunc(p.Units, func(a, b UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
	var err error
	var strays []costmodel.Stray
	fit := func(us []UnitTime) (kinds map[string]*KindModel, err error) {
		if t.block {
			kinds, p.Sums, err = costmodel.FitBlocks(us, t.msCol != "ms", &d.Target)
		} else {
			kinds, err = costmodel.FitKinds(us, &d.Target, nil)
		}
		p.setKinds(kinds)
		return kinds, err
	}
	p.Units, strays, err = costmodel.FitTable(p.Units, &d.Target, fit)
	if err != nil {
		return nil, err
	}
	p.Network = costmodel.FitNetwork(nil)
	p.Calibration = Calibration{Runs: len(p.Units), Stopped: "networks", Source: t.o.Source}
	p.Warnings = []string{"no whole network was measured: " +
		"overhead and what kernels do to each other are not in the prediction"}
	if t.asked != "" {
		how := "without a first 1x1 convolution, as in MobileNetV2 and ProxylessNAS"
		if t.Has("groups") {
			how = "with a first 1x1 convolution, as in FBNet"
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s: a block of expansion 1 is read %s; a column expand_conv of "+
			"true or false says whether it has one", t.asked, how))
	}
	for _, s := range strays {
		p.Warnings = append(p.Warnings, strayWarning(
			strings.Join(t.rows[s.Unit], ", "), stat.Median(t.units[s.Unit]), s.ExpectedMs))
	}
	slices.Sort(p.Warnings[1:])
	return p, nil
}

// strayWarning says that a measured time was left out.
func strayWarning(where string, ms, expected float64) string {
	return fmt.Sprintf("%s: %.4g ms is left out: the others let expect about %.2g ms; mend the row, or delete it",
		where, ms, expected)
}
