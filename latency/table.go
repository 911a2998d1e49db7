package latency

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/stat"
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
//	   activation, residual]       w_in is h_in, and the block has a residual where
//	                               stride is 1 and c_in = c_out, unless said
//
// Instead of ms, a table of blocks may have ms_minus_skip: the time that is left
// after that of a 1x1 convolution with the block's stride and channels, where the
// block has no residual. Tables solved from networks that skip blocks tell no more.
//
// With a column device, the rows of TableOptions.Only are taken. Rows of networks
// and of kernels or blocks cannot stand in one table.
func FromTable(r io.Reader, name string, o TableOptions) (*Profile, error) {
	c := csv.NewReader(r)
	c.TrimLeadingSpace = true
	head, err := c.Read()
	if err == io.EOF {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("latency: table %s: the header line: %w", name, err)
	}
	t := &table{name: name, cols: map[string]int{}, o: o}
	for i, h := range head {
		t.cols[strings.TrimSpace(h)] = i
	}
	t.msCol = "ms"
	if !t.has("ms") && t.has("ms_minus_skip", "expansion") {
		t.msCol = "ms_minus_skip"
	}
	if !t.has(t.msCol) {
		return nil, fmt.Errorf("latency: table %s: no column \"ms\" among %s", name, strings.Join(head, ", "))
	}
	var row func(rec []string) error
	switch {
	case t.has("unit"):
		row = t.unitRow
	case t.has("network"):
		if o.Network == nil {
			return nil, fmt.Errorf("latency: table %s: networks are not understood here", name)
		}
		row = t.networkRow
	case t.has("h_in", "c_in", "c_out", "stride", "kernel", "expansion"):
		row = t.blockRow
	default:
		return nil, fmt.Errorf("latency: table %s: want columns unit, or network, or h_in, c_in, c_out, stride, kernel and expansion; it has %s", name, strings.Join(head, ", "))
	}
	var errs []error
	for {
		rec, err := c.Read()
		if err == io.EOF {
			break
		}
		line, _ := c.FieldPos(0)
		if err == nil {
			if t.has("device") && o.Only != "" && rec[t.cols["device"]] != o.Only {
				continue
			}
			err = row(rec)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("latency: table %s, line %d: %w", name, line, err))
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

// table is a table being read.
type table struct {
	name  string
	msCol string
	cols  map[string]int
	o     TableOptions
	units map[engine.Unit][]float64
	nets  []Measured
	block bool
}

func (t *table) has(cols ...string) bool {
	for _, c := range cols {
		if _, ok := t.cols[c]; !ok {
			return false
		}
	}
	return true
}

func (t *table) ms(rec []string) (float64, error) {
	text := rec[t.cols[t.msCol]]
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s = %q, want a number above 0", t.msCol, text)
	}
	return v, nil
}

func (t *table) add(u engine.Unit, ms float64) {
	if t.units == nil {
		t.units = map[engine.Unit][]float64{}
	}
	t.units[u] = append(t.units[u], ms)
}

func (t *table) unitRow(rec []string) error {
	ms, err := t.ms(rec)
	if err != nil {
		return err
	}
	u, err := engine.ParseUnit(rec[t.cols["unit"]])
	if err != nil {
		return err
	}
	t.add(u, ms)
	return nil
}

func (t *table) networkRow(rec []string) error {
	ms, err := t.ms(rec)
	if err != nil {
		return err
	}
	n, err := t.o.Network(rec[t.cols["network"]])
	if err != nil {
		return err
	}
	t.nets = append(t.nets, Measured{n, ms})
	return nil
}

func (t *table) blockRow(rec []string) error {
	var errs []error
	num := func(col string, def int) int {
		i, ok := t.cols[col]
		if !ok {
			return def
		}
		n, err := strconv.Atoi(rec[i])
		if err != nil || n < 1 || n > 1<<16 {
			errs = append(errs, fmt.Errorf("%s = %q, want a whole number of 1 or more", col, rec[i]))
			return 1
		}
		return n
	}
	ms, err := t.ms(rec)
	errs = append(errs, err)
	h, cin, cout, stride, k := num("h_in", 0), num("c_in", 0), num("c_out", 0), num("stride", 0), num("kernel", 0)
	w, groups, dil := num("w_in", h), num("groups", 1), num("dilation", 1)
	exp, err := strconv.ParseFloat(rec[t.cols["expansion"]], 64)
	if err != nil || !(exp > 0) || exp > 64 {
		errs = append(errs, fmt.Errorf("expansion = %q, want a number above 0, at most 64", rec[t.cols["expansion"]]))
	}
	act := blocks.ReLU
	if i, ok := t.cols["activation"]; ok {
		if act, err = blocks.ParseActFunc(rec[i]); err != nil {
			errs = append(errs, err)
		}
	}
	residual := stride == 1 && cin == cout
	if i, ok := t.cols["residual"]; ok {
		if residual, err = strconv.ParseBool(rec[i]); err != nil {
			errs = append(errs, fmt.Errorf("residual = %q, want true or false", rec[i]))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p := dil * (k - 1) / 2
	t.block = true
	t.add(engine.Unit{
		Name: "block", In: blocks.Shape{H: h, W: w, C: cin}, Out: blocks.Shape{H: ceilDiv(h, stride), W: ceilDiv(w, stride), C: cout},
		Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Dilation: [2]int{dil, dil}, Pad: [2]int{p, p}, Groups: groups,
		Mid: int(math.Round(exp * float64(cin))), MidAct: act, DWAct: act, Residual: residual, Batch: 1,
	}, ms)
	return nil
}

// profile fits the profile to the rows.
func (t *table) profile() (*Profile, error) {
	d := t.o.Device
	d.Name = cmp.Or(d.Name, "table")
	d.Threads = max(1, d.Threads)
	d.DType = cmp.Or(d.DType, "float32")
	if d.Target.ISA == "" {
		d.Target = timing.PhoneTarget(d.Threads)
	}
	d.Cut = timing.CutOps
	if len(t.nets) > 0 {
		p, err := Adapt(t.o.Base, d, t.nets)
		if err != nil {
			return nil, err
		}
		p.Calibration.Source = t.o.Source
		return p, nil
	}
	if len(t.units) == 0 {
		return nil, fmt.Errorf("latency: table %s has no rows%s", t.name, map[bool]string{true: " of device " + t.o.Only}[t.o.Only != ""])
	}
	if t.block {
		d.Cut = timing.CutBlocks
	}
	p := &Profile{Format: Format, Device: d, Created: time.Now().UTC().Truncate(time.Second)}
	for u, ms := range t.units {
		p.Units = append(p.Units, UnitTime{Unit: u, Ms: stat.Median(ms), Spread: max(0.003, stat.RelativeMAD(ms)), Networks: len(ms)})
	}
	slices.SortFunc(p.Units, func(a, b UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
	var parts map[string]*KindModel
	if t.block {
		parts = fitParts(p.Units, t.msCol != "ms", &d.Target)
	}
	kinds, err := fitKinds(p.Units, &d.Target, nil)
	if err != nil {
		return nil, err
	}
	if t.block {
		maps.Copy(kinds, parts)
		p.Sums = fitSum(p.sumsOfUnits(kinds), nil)
	}
	p.setKinds(kinds)
	p.Network = fitNetwork(nil)
	p.Calibration = Calibration{Runs: len(p.Units), Stopped: "networks", Source: t.o.Source}
	p.Warnings = []string{"no whole network was measured: overhead and what kernels do to each other are not in the prediction"}
	return p, nil
}
