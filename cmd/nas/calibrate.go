package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"nas/internal/fleet"
	"nas/internal/plural"
	"nas/internal/profiles"
	"nas/latency"
	"nas/latency/calibrate"
	"nas/latency/native"
	"nas/latency/timing"
	"nas/space"
)

// calibrateFlags are the flags of nas calibrate.
type calibrateFlags struct {
	tableFlags // its out, base and on are also those of a calibration
	space      string
	budget     time.Duration
	target     float64
	busy       bool
	seed       uint64
	sustained  time.Duration
	fleet      fleetFlags
}

func newCalibrate(a *app) *cobra.Command {
	o := calibrateFlags{fleet: fleetFlags{patience: time.Minute}} // which a calibration has no use for
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Make the latency profile of a device",
		Long: `Calibrate times the kernels of networks on this machine, fits a model to the times
and judges it on networks that it has not seen. The profile is kept in the user's
cache directory, where nas run and nas predict look for it, or in --out. Please leave
the machine alone meanwhile: a profile that other programs spoiled is refused.

Networks come from --space, or are well-known mobile ones. With --base, the
measurements of an earlier profile of this machine are kept and added to.

With --sustained the device works for so long before anything is timed, and in every
pause: the profile is that of the hot device, beside the one of a burst. A config names
it as the objective latency@here-sustained.

A profile can also be made from measurements taken elsewhere: with --from, from a CSV
file with a row for each kernel, block or network (columns unit or network, and ms);
with --base PROFILE --measurements, from about ten networks measured on another
device.

With --fleet the device is that of a worker on another machine, which --device names
(nas worker --fleet URL --measures --name pixel7). The worker times the networks and
fits the model; the profile comes to --out, by default pixel7.json.`,
		Example: `  nas calibrate --space configs/mobile.toml
  nas calibrate --threads 2 --budget 2m --out two-threads.json
  nas calibrate --sustained 10m --space configs/mobile.toml
  ssh board ./nas calibrate --out - > board.json
  nas calibrate --from table.csv --name pixel4 --out pixel4.json
  nas calibrate --base pixel4.json --measurements ten.csv --name pixel7 --out pixel7.json
  nas calibrate --fleet nats://192.168.1.10:4222 --device pixel7 --out pixel7.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.from != "" || o.measurements != "" {
				return a.fromTable(o.tableFlags)
			}
			if err := o.fleet.check(); err != nil {
				return err
			}
			if o.fleet.URL != "" {
				return a.calibrateWorker(cmd.Context(), o)
			}
			return a.calibrate(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.space, "space", "", "draw networks from the space of this `CONFIG`")
	deviceFlags(cmd, &o.on, "what is timed", "threads")
	f.DurationVar(&o.budget, "budget", time.Minute, "wall time, fitting included")
	f.DurationVar(&o.sustained, "sustained", 0,
		"put the device under load for so long before, such as 10m, and keep it hot")
	f.Float64Var(&o.target, "target-error", 0, "stop as soon as the error is at most so many per cent")
	f.BoolVar(&o.busy, "accept-busy", false, "keep the profile even if other programs spoiled it")
	f.StringVar(&o.base, "base", "", "add to this `PROFILE` of the same machine; with --measurements: of another one")
	f.StringVar(&o.from, "from", "", "make the profile from this `TABLE` (.csv)")
	f.StringVar(&o.measurements, "measurements", "", "adapt --base to the networks of this `TABLE` (.csv)")
	f.StringVar(&o.name, "name", "", "the device's name, with --from or --measurements (default: the table's)")
	f.StringVar(&o.cpu, "cpu", "", "its processor")
	f.StringVar(&o.runtime, "runtime", "", "what ran there, such as \"TFLite 2.16\"")
	f.StringVar(&o.source, "source", "", "where the table comes from")
	f.StringVar(&o.only, "only", "", "take the rows whose column device has this value")
	f.Uint64Var(&o.seed, "seed", 0, "of the networks that are drawn")
	f.StringVar(&o.out, "out", "", "the `FILE` to write, - for standard output (default: in the user's cache directory)")
	f.StringVar(&o.fleet.URL, "fleet", "",
		"calibrate the device of worker --device of the fleet at `URL`, or embedded: of one that joins this process")
	f.StringVar(&o.fleet.listen, "listen", "", "where the embedded service listens, `HOST:PORT` (default 127.0.0.1:4222)")
	o.fleet.addAccess(f)
	a.jsonFlag(cmd)
	return cmd
}

// checkEffort checks how much a calibration may do.
func (o *calibrateFlags) checkEffort() error {
	if o.budget < time.Second || o.budget > longestWait {
		return usagef("--budget %v: want 1s to %v", o.budget, longestWait)
	}
	if !(o.target >= 0 && o.target < 100) {
		return usagef("--target-error %v: want per cent, above 0 and below 100", o.target)
	}
	return nil
}

// calibrate measures a device and keeps its profile.
func (a *app) calibrate(ctx context.Context, o calibrateFlags) error {
	rt, err := runtimeOf(o.on)
	if err != nil {
		return err
	}
	if rt, err = o.sustain(rt); err != nil {
		return err
	}
	path := o.out
	if path == "" {
		if path, err = latency.CachePath(rt.Device()); err != nil {
			return usagef("%w: name a file with --out", err)
		}
	}
	if err := a.place("--out", path); err != nil {
		if o.out == "" {
			err = fmt.Errorf("%w: name another file with --out", err)
		}
		return err
	}
	opts := calibrate.Options{Budget: o.budget, TargetError: o.target / 100, Sustained: o.sustained}
	if o.base != "" {
		b, err := latency.Load(o.base)
		if err != nil {
			return usage(err)
		}
		if err := b.Matches(rt); err != nil {
			return usagef("--base %s: %w", o.base, err)
		}
		opts.Base = b
	}
	var s *space.Space
	if o.space != "" {
		if s, err = a.spaceOf(o.space); err != nil {
			return err
		}
	}
	m := a.meter
	defer m.end()
	if err := o.checkEffort(); err != nil {
		return err
	}
	m.say(fmt.Sprintf("calibrating %s for up to %v: please leave the machine alone", rt.Device(), o.budget+o.sustained))
	opts.Progress = a.showCalibration
	p, err := calibrate.Device(ctx, rt, profiles.NetworksOf(s, o.seed), opts)
	m.end()
	if p == nil {
		return err
	}
	return a.keepProfile(p, path, err, o)
}

// sustain makes a runtime that of the hot device, if --sustained asks for it.
func (o *calibrateFlags) sustain(rt timing.Runtime) (timing.Runtime, error) {
	if o.sustained == 0 {
		return rt, nil
	}
	own, ok := rt.(*native.Runtime)
	switch {
	case !ok:
		return nil, usagef("--sustained: %s cannot be kept under load between its timings: want nas's own kernels, "+
			"calibrated on the device", rt.Device())
	case o.sustained < 0 || o.sustained > longestWait:
		return nil, usagef("--sustained %v: want up to %v", o.sustained, longestWait)
	}
	return own.Sustained(), nil
}

// showCalibration shows how far a calibration has come.
func (a *app) showCalibration(p calibrate.Progress) {
	detail := plural.Of(p.Units, "kernel")
	if p.Error > 0 {
		detail += fmt.Sprintf("  error %.1f %%", 100*p.Error)
	}
	if p.Heat != nil {
		detail = fmt.Sprintf("clock %.0f MHz", p.Heat.Clock[len(p.Heat.Clock)-1].MHz)
	}
	a.meter.show(p.Phase, int(p.Elapsed.Seconds()), int(p.Budget.Seconds()), detail)
}

// calibrateWorker has a worker of a fleet calibrate its device.
func (a *app) calibrateWorker(ctx context.Context, o calibrateFlags) error {
	switch {
	case o.on.Device == "":
		return usagef("--fleet needs the name of the worker whose device it is: --device pixel7 for nas worker --measures " +
			"--name pixel7")
	case o.on.DType != "" || o.on.Threads != 0:
		return usagef("--dtype and --threads are the worker's: give them to nas worker")
	case o.sustained != 0:
		return usagef("--sustained is for this machine: calibrate on the device itself")
	case o.base != "":
		return usagef("--base is for a profile of this machine: a worker calibrates anew")
	}
	if o.out == "" {
		o.out = o.on.Device + ".json"
	}
	if err := a.place("--out", o.out); err != nil {
		return err
	}
	if err := o.checkEffort(); err != nil {
		return err
	}
	c := fleet.Calibration{
		Worker: o.on.Device, For: "nas calibrate", Seed: o.seed, Budget: o.budget, Target: o.target / 100,
		Wait:     10 * time.Second, // the worker may be about to connect
		Progress: a.showCalibration,
		Say:      func(format string, args ...any) { a.meter.say(fmt.Sprintf(format, args...)) },
	}
	if host, err := os.Hostname(); err == nil {
		c.For += " at " + host
	}
	var err error
	if o.space != "" {
		if c.Space, err = a.spaceOf(o.space); err != nil {
			return err
		}
	}
	access := o.fleet.Access
	if access.URL == embedded {
		dir, err := os.MkdirTemp("", "nas-fleet-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s, err := fleet.Serve(dir, o.fleet.listen, access, c.Say)
		if err != nil {
			return err
		}
		defer s.Close(true)
		access, c.Wait = s.Access(), 0
	}
	defer a.meter.end()
	text, err := fleet.Calibrate(ctx, access, c)
	if err != nil {
		return err
	}
	p, err := latency.Read(bytes.NewReader(text), "of worker "+c.Worker)
	a.meter.end()
	if err != nil {
		return err
	}
	return a.keepProfile(p, o.out, nil, o)
}

// keepProfile writes a profile to path, - for standard output, and says what it is
// worth. One that other programs spoiled is not kept. interrupted is the error of a calibration that ended early.
func (a *app) keepProfile(p *latency.Profile, path string, interrupted error, o calibrateFlags) (err error) {
	if why := p.Busy(); why != "" && !o.busy {
		return errors.Join(interrupted, fmt.Errorf("the machine was too busy: %s; nothing is kept: try again when it is "+
			"idle, with a longer --budget, or keep it with --accept-busy", why))
	}
	note := ""
	if o.out == "" {
		note, err = p.Keep(path, o.busy)
	} else {
		err = a.save(path, p.Write)
	}
	if err != nil {
		return errors.Join(interrupted, err)
	}
	if note != "" && !a.quiet {
		fmt.Fprintln(a.stderr, note)
	}
	if interrupted != nil {
		return fmt.Errorf("%w: what was measured is kept in %s", errInterrupted, path)
	}
	if a.json {
		return a.writeProfile(p, path, p.Calibration.WallS)
	}
	measured := plural.Of(len(p.Units), "kernel")
	if len(p.Units) == 0 { // a recipe times whole networks
		measured = plural.Of(len(p.HeldOut), "network")
	}
	a.printf("%s\n%s measured in %.1f s, profile in %s\n", p.Device, measured, p.Calibration.WallS, path)
	if v := p.Validation; v != nil {
		a.printf("on %s that the model has not seen: error %.1f %%, %.0f %% of them within 10 %%, "+
			"%.0f %% inside the 90 %% interval\n", plural.Of(v.Networks, "network"), v.MAPEPct, v.Within10, v.Coverage)
	}
	if h := p.Calibration.Heat; h != nil {
		a.printf("%s\n", h)
	}
	a.warn(p.Warnings)
	return nil
}

// writeProfile prints what --json says of a new profile.
func (a *app) writeProfile(p *latency.Profile, path string, wallS float64) error {
	return a.writeJSON(map[string]any{
		"profile": path, "device": p.Device.String(), "units_measured": len(p.Units), "wall_s": wallS,
		"validation": p.Validation, "warnings": warnings(p.Warnings), "heat": p.Calibration.Heat,
	})
}
