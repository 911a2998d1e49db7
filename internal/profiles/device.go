package profiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"nas/internal/config"
	named "nas/internal/device"
	"nas/internal/fault"
	"nas/internal/plural"
	"nas/internal/random"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/calibrate"
	"nas/latency/native"
	"nas/latency/timing"
	"nas/space"
)

// Device is one of the devices whose latency is predicted: a profile under the name that the config
// gives it, "" for the only one.
type Device struct {
	Name      string
	Profile   *latency.Profile
	Predictor *latency.Predictor
	Latency   runstore.Field // of the trials
	Index     int            // among the devices of the config
	Subgraphs SubgraphCache
}

// Of loads the latency profiles of a config, and calibrates this device where its profile is missing.
func Of(
	ctx context.Context, c *config.Config, sp *space.Space, o work.Options, resumed *runstore.Run,
) (ds []*Device, err error) {
	own := ownDevice{o, c, sp}
	for i, name := range c.Latency.Profile.Names() {
		d := &Device{Name: name, Latency: runstore.FieldOf(runstore.LatencyKey(name)), Index: i}
		switch file := c.Latency.Profile[name]; {
		case resumed != nil:
			d.Profile, err = latency.Load(resumed.Path(runstore.ProfileName(name, i)))
			if err == nil && file == config.AutoProfile {
				err = own.sameType(d.Profile)
			}
		case file == config.AutoProfile:
			d.Profile, err = own.profile(ctx)
		case file == config.SustainedProfile:
			d.Profile, err = own.sustained()
		case strings.HasPrefix(file, config.OfFleet):
			d.Profile, err = ofWorker(c, name, o)
		default:
			if d.Profile, err = latency.Load(file); err != nil {
				err = config.Usage(err)
			} else {
				own.contradicted(file, &d.Profile.Device)
				err = own.refused(ctx, file, d.Profile)
			}
		}
		if err != nil {
			return nil, err
		}
		if d.Predictor, err = d.Profile.Predictor(); err != nil {
			return nil, err
		}
		ds = append(ds, d)
	}
	return ds, nil
}

// ofWorker is the profile of a worker's device, which the worker has made.
func ofWorker(c *config.Config, name string, o work.Options) (*latency.Profile, error) {
	worker, text := c.OfWorkers()[name], c.ProfileText(name)
	if text == nil {
		return nil, config.Usagef("latency.profile = \"fleet:%[1]s\": worker %[1]s would calibrate its device, and no fleet "+
			"is given: add --fleet URL to nas run, or give the file that nas calibrate --fleet URL --device %[1]s makes", worker)
	}
	p, err := latency.Read(bytes.NewReader(text), "of worker "+worker)
	if err == nil {
		o.Sayf("worker %s calibrated %s", worker, p.Device)
		for _, w := range p.Warnings {
			o.Sayf("calibration of worker %s: %s", worker, w)
		}
	}
	return p, err
}

// ownDevice finds the profile of this device for the networks of a space.
type ownDevice struct {
	work.Options
	config *config.Config
	space  *space.Space
}

// choice is what the config says of this device.
func (o *ownDevice) choice() named.Choice {
	l := &o.config.Latency
	return named.Choice{Device: l.Device, DType: l.DType, Threads: l.Threads}
}

// sameType refuses a profile of a run that is resumed if the device computes in another data type by now. A
// device that is out of reach is not asked.
func (o *ownDevice) sameType(p *latency.Profile) error {
	rt, err := o.choice().Runtime()
	if err != nil {
		return nil
	}
	if was, is := p.Device.DType, rt.Device().DType; was != is {
		return config.Usagef("latency.device: the recorded run is of dtype = %q, %s is of dtype = %q: "+
			"give another directory with --out, or restore what changed", was, o.config.Latency.Device, is)
	}
	return nil
}

// contradicted says where a profile is not of what the config says. Whose profile it is decides all the same.
func (o *ownDevice) contradicted(file string, is *timing.Device) {
	want := &o.config.Latency
	if want.Threads != is.Threads {
		o.Sayf("latency.profile %s is of %d thread(s), latency.threads is %d: its latencies are predicted; "+
			"set threads = %d, or give a profile that nas calibrate --threads %d made",
			file, is.Threads, want.Threads, is.Threads, want.Threads)
	}
	if name := named.Name(want.Device); name != "native" && name != is.Name {
		o.Sayf("latency.profile %s is of %s, latency.device is %q: the profile's latencies are predicted; "+
			"leave device out, or give a profile that nas calibrate --device %s made", file, is, want.Device, want.Device)
	}
}

// sustained returns the cached profile of this device when it is hot. A run makes none: that takes the device minutes
// under load.
func (o *ownDevice) sustained() (*latency.Profile, error) {
	rt, err := o.choice().Runtime()
	if err != nil {
		return nil, config.Usagef("latency.device: %w", err)
	}
	own, ok := rt.(*native.Runtime)
	if !ok {
		return nil, config.Usagef("latency.profile: %s has no profile of the hot device: want that of nas's own kernels, "+
			"or a file", rt.Device())
	}
	p, err := latency.Cached(own.Sustained().Device())
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, errors.Join(config.Usagef("latency.profile: there is no profile of this device when it is hot: "+
			"nas calibrate --sustained 10m%s makes it, which takes 11 minutes", o.flags()), err)
	}
	o.Sayf("latency profile: %s, calibrated %s %s", p.Device, p.Created.Format(time.DateTime), p.Calibration.Heat)
	if !o.covers(p) {
		o.Sayf("the profile of the hot device does not cover this space: nas calibrate --sustained 10m%s", o.flags())
	}
	return p, nil
}

// flags are those of nas calibrate for the device and the space of the config.
func (o *ownDevice) flags() (flags string) {
	if n := o.config.Latency.Threads; n > 1 {
		flags += fmt.Sprintf(" --threads %d", n)
	}
	if t := o.config.Latency.DType; t != "" {
		flags += " --dtype " + t
	}
	if f := o.config.File(); f != "" {
		flags += " --space " + f
	}
	return flags
}

// profile returns the cached profile of this device, extended where the space has units that it
// does not know, or a new one.
func (o *ownDevice) profile(ctx context.Context) (*latency.Profile, error) {
	rt, err := o.choice().Runtime()
	if err != nil {
		return nil, config.Usagef("latency.device: %w", err)
	}
	cached, err := latency.Cached(rt.Device())
	switch {
	case err == nil:
		keep, err := o.holds(ctx, rt, cached)
		switch {
		case err != nil:
			return nil, err
		case !keep:
			cached = nil
		case o.covers(cached):
			o.Sayf("latency profile: %s, calibrated %s", cached.Device, cached.Created.Format(time.DateTime))
			return cached, nil
		default:
			o.Sayf("the cached profile does not cover this space: measuring more")
		}
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, latency.ErrNoCache):
		o.Sayf("the cached profile is not used: %v", err)
	}
	return o.calibrate(ctx, rt, cached)
}

// holds reports whether the cached profile may be used, and says what was found out.
func (o *ownDevice) holds(ctx context.Context, rt timing.Runtime, p *latency.Profile) (bool, error) {
	if _, err := p.Predictor(); err != nil { // unreadable by this program: as good as none
		o.Sayf("the cached profile is not used: %v", err)
		return false, nil
	}
	c, err := o.openCheck(ctx, rt, p)
	if err != nil {
		return false, err
	}
	defer c.Close()
	keep, err := c.cached(ctx)
	c.sayBusy()
	return keep, err
}

// refused returns an error if a profile that the config names is of this device, and its intervals do not hold here
// beyond doubt. One of another device is not checked, nor one that does not say what its device takes undisturbed.
func (o *ownDevice) refused(ctx context.Context, file string, p *latency.Profile) error {
	if o.config.ProfilesAccepted() || p.Device.Name != timing.NativeName || p.Calibration.ProbeNs == 0 {
		return nil
	}
	rt, err := named.Choice{Device: timing.NativeName, DType: p.Device.DType, Threads: p.Device.Threads}.Runtime()
	if err != nil || p.Matches(rt) != nil {
		return nil
	}
	c, err := o.openCheck(ctx, rt, p)
	if err != nil {
		return err
	}
	defer c.Close()
	refuted, err := c.named(ctx)
	if err != nil {
		return err
	}
	c.sayBusy()
	if refuted == "" {
		return nil
	}
	return config.Usagef("latency.profile %s: its 90 %% intervals do not hold on this machine now: of networks measured "+
		"now, %s lie outside (%s): make a new one (nas calibrate --out FILE) when nas doctor says that the machine is "+
		"quiet, leave the profile out, or take it as it is with --accept-profile", file, refuted, c.cause())
}

// calibrate makes a profile of this device, from a base where there is one, and caches it.
func (o *ownDevice) calibrate(ctx context.Context, rt timing.Runtime, base *latency.Profile) (*latency.Profile, error) {
	budget := time.Duration(o.config.Latency.Budget)
	o.Sayf("calibrating %s for up to %v: please leave the machine alone", rt.Device(), budget)
	if base != nil && !base.Extensible() {
		base = nil
	}
	p, err := calibrate.Device(ctx, rt, calibrationNetworks(o.space, o.config), calibrate.Options{
		Budget: budget, Base: base,
		Progress: func(x calibrate.Progress) {
			o.Report(work.Progress{
				Step: "calibrate", Seconds: true, Done: int(x.Elapsed.Seconds()), Total: int(budget.Seconds()),
				Note: noteOf(&x),
			})
			o.Gate.Wait(ctx)
		},
	})
	o.Report(work.Progress{Step: "calibrate", Ended: true})
	if err != nil {
		return nil, err
	}
	for _, w := range p.Warnings {
		o.Sayf("calibration: %s", w)
	}
	path, err := latency.CachePath(rt.Device())
	note := ""
	if err == nil {
		note, err = p.Keep(path, false)
	}
	if err != nil {
		note = "the profile is kept with the run, and in no cache: " + fault.Text(err)
	}
	if note != "" {
		o.Sayf("%s", note)
	}
	return p, nil
}

// noteOf says what a calibration has so far, besides its time.
func noteOf(x *calibrate.Progress) string {
	what := plural.Of(x.Units, "kernel")
	if x.Units == 0 { // a runtime of whole networks
		what = plural.Of(x.HeldOut, "network")
	}
	if x.Error > 0 {
		what += fmt.Sprintf(", error %.1f %%", 100*x.Error)
	}
	return what
}

// covers reports whether a profile was made for networks like those of the space: it predicts at
// least 80 % of a sample of 32 without a warning.
func (o *ownDevice) covers(p *latency.Profile) bool {
	predictor, err := p.Predictor()
	if err != nil {
		return false
	}
	r := random.Stream(o.config.Accuracy.Seed, "cover")
	good, n := 0, 0
	for range 32 {
		net, err := o.space.Arch(o.space.Sample(r)).Network()
		if err != nil {
			continue
		}
		n++
		if e, err := predictor.Predict(net); err == nil && len(e.Warnings) == 0 {
			good++
		}
	}
	return n > 0 && 10*good >= 8*n
}

// SubgraphCache keeps the predicted subgraphs of a device that consist of several blocks. It holds
// two generations, as [space.Lowerer] does. The zero value is ready for use, by several goroutines.
type SubgraphCache struct {
	mu       sync.RWMutex
	recent   map[subgraphKey]*latency.Subgraph
	previous map[subgraphKey]*latency.Subgraph
}

// subgraphKey is the blocks of a subgraph; those of a shorter one end with nil.
type subgraphKey [3]*space.LoweredBlock

// generationSize is the number of subgraphs in a generation.
const generationSize = 1 << 13

func (c *SubgraphCache) Of(r *latency.Predictor, blocks []*space.LoweredBlock) (*latency.Subgraph, error) {
	var key subgraphKey
	if len(blocks) > len(key) { // such a long one hardly comes back
		return r.Subgraph(space.Join(blocks))
	}
	copy(key[:], blocks)
	c.mu.RLock()
	p, recent := c.recent[key]
	if !recent {
		p = c.previous[key]
	}
	c.mu.RUnlock()
	if recent {
		return p, nil
	}
	if p == nil {
		var err error
		if p, err = r.Subgraph(space.Join(blocks)); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil || len(c.recent) >= generationSize {
		c.recent, c.previous = map[subgraphKey]*latency.Subgraph{}, c.recent
	}
	c.recent[key] = p
	return p, nil
}
