package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"nas/blocks"
	"nas/blocks/zoo"
	named "nas/internal/device"
	"nas/internal/runstore"
	"nas/latency"
	"nas/latency/timing"
	"nas/space"
)

// profiles loads the latency profiles of the run, and calibrates this device
// where its profile is missing. A run that is resumed keeps the profiles that
// lie in its directory.
func (p *pipeline) profiles(ctx context.Context) error {
	names := p.cfg.Latency.Profile.Names()
	for i, name := range names {
		prof, err := p.profile(ctx, i, name)
		if err != nil {
			return err
		}
		predictor, err := prof.Predictor()
		if err != nil {
			return err
		}
		p.eval.devices = append(p.eval.devices, &device{name: name, profile: prof, predictor: predictor, at: len(p.eval.devices)})
	}
	p.eval.objectives = map[string]bool{}
	for _, o := range p.objectives {
		p.eval.objectives[o.Name] = true
	}
	return nil
}

// profileFile is the name of a profile's copy in the run directory.
func profileFile(name string, i int) string {
	if i == 0 {
		return runstore.ProfileFile
	}
	return "profile-" + name + ".json"
}

func (p *pipeline) profile(ctx context.Context, i int, name string) (*latency.Profile, error) {
	if p.resumed {
		return latency.Load(p.store.Path(profileFile(name, i)))
	}
	if file := p.cfg.Latency.Profile[name]; file != "auto" {
		prof, err := latency.Load(file)
		if err != nil {
			return nil, &UsageError{err}
		}
		return prof, nil
	}
	return p.ownProfile(ctx)
}

// ownProfile returns the cached profile of this device, extended where the space
// has units that it does not know, or a new one.
func (p *pipeline) ownProfile(ctx context.Context) (*latency.Profile, error) {
	rt, err := named.Runtime(p.cfg.Latency.Device, p.cfg.Latency.Threads)
	if err != nil {
		return nil, &UsageError{fmt.Errorf("latency.device: %w", err)}
	}
	dev := rt.Device()
	prof, err := latency.Cached(dev)
	switch {
	case err == nil:
		off, err := p.staleness(ctx, rt, prof)
		switch {
		case err != nil:
			return nil, err
		case off > staleLimit:
			p.say("the cached profile is %.0f %% off by now (another build of this program, or another clock): calibrating anew", 100*off)
			prof = nil
		case p.covers(prof):
			p.say("latency profile: %s, calibrated %s", prof.Device, prof.Created.Format(time.DateTime))
			return prof, nil
		default:
			p.say("the cached profile does not cover this space: measuring more")
		}
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, latency.ErrNoCache):
		p.say("the cached profile is not used: %v", err)
	}
	p.say("calibrating %s for up to %v: please leave the machine alone", dev, p.cfg.Latency.Budget)
	if prof != nil && !prof.Extensible() {
		prof = nil
	}
	prof, err = latency.Calibrate(ctx, rt, p.calibrationNetworks(), latency.Options{
		Budget: time.Duration(p.cfg.Latency.Budget), Base: prof,
		Progress: func(x latency.Progress) {
			p.progress(Progress{Step: "calibrate", Seconds: true, Done: int(x.Elapsed.Seconds()), Total: int(time.Duration(p.cfg.Latency.Budget).Seconds())})
		},
	})
	if err != nil {
		return nil, err
	}
	for _, w := range prof.Warnings {
		p.say("calibration: %s", w)
	}
	path, err := latency.CachePath(dev)
	if err != nil {
		p.say("the profile is kept with the run only: %v", err)
		return prof, nil
	}
	if err := prof.Save(path); err != nil {
		p.say("the profile is kept with the run only: %v", err)
	}
	return prof, nil
}

// staleLimit is how far a cached profile may be off before it is thrown away:
// beyond what a busy machine does to a median of undisturbed runs.
const staleLimit = 0.12

// staleness measures three networks of the space for a moment each and returns
// by how much, as a share, the profile is off in the median. The key of a cached
// profile holds what a device is, not what its clock or this program's kernels
// do today.
func (p *pipeline) staleness(ctx context.Context, rt timing.Runtime, prof *latency.Profile) (float64, error) {
	predictor, err := prof.Predictor()
	if err != nil {
		return math.Inf(1), nil // unreadable by this program: as good as stale
	}
	var off []float64
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x7374616c65)) // "stale"
	for range 3 {
		net, err := p.space.Arch(p.space.Sample(r)).Network()
		if err != nil {
			continue
		}
		e, err := predictor.Predict(net)
		if err != nil {
			return 0, err
		}
		s, err := timing.Measure(ctx, net, rt, timing.MeasureOptions{Budget: 200 * time.Millisecond, Baseline: prof.Calibration.Baseline})
		if err != nil {
			return 0, err
		}
		off = append(off, math.Abs(e.LatencyMs/s.MedianMs-1))
	}
	if len(off) == 0 {
		return 0, nil
	}
	slices.Sort(off)
	return off[len(off)/2], nil
}

// covers tells whether a profile was made for networks like those of the space:
// nearly all predicted time of a sample must come from units within its range.
func (p *pipeline) covers(prof *latency.Profile) bool {
	predictor, err := prof.Predictor()
	if err != nil {
		return false
	}
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x636f766572)) // "cover"
	good, n := 0, 0
	for range 32 {
		net, err := p.space.Arch(p.space.Sample(r)).Network()
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

// calibrationNetworks yields what a calibration times: the classics first, then
// samples of the space for as long as it asks: see example.
func (p *pipeline) calibrationNetworks() iter.Seq[*blocks.Network] {
	return func(yield func(*blocks.Network) bool) {
		r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x63616c6962)) // "calib"
		for i := 0; ; i++ {
			if i%4 == 3 && i/4 < len(classics) {
				c := classics[i/4]
				if _, n, err := p.classic(c.spec, c.widths[len(c.widths)-1]); err == nil && !yield(n) {
					return
				}
				continue
			}
			if n := p.example(i, r); n != nil && !yield(n) {
				return
			}
		}
	}
}

// example returns a network of the space for a calibration, nil if the genes drawn have
// none. Of four, one has been made smaller by up to 32 mutations: fronts begin where hardly
// any sample lies, and there all weights stay in a cache.
func (p *pipeline) example(i int, r *rand.Rand) *blocks.Network {
	g := p.space.Sample(r)
	n, err := p.space.Arch(g).Network()
	if err != nil {
		return nil
	}
	if i%4 != 1 {
		return n
	}
	least := n.Counts().MACs
	for range r.IntN(33) {
		h := p.space.Mutate(g, r)
		if m, err := p.space.Arch(h).Network(); err == nil && m.Counts().MACs < least {
			g, n, least = h, m, m.Counts().MACs
		}
	}
	return n
}

// wellKnown are timed with every space, so that a profile can speak of them, too.
var wellKnown = []string{
	"mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "mobilenet_v1", "mnasnet_a1", "mobilenet_v3_small", "efficientnet_b1", "efficientnet_b2",
}

// NetworksOf yields networks for a calibration without a run: samples of a space,
// two of three from the zoo until those end, or the zoo's mobile networks at
// several sizes where there is no space.
func NetworksOf(s *space.Space, seed uint64) iter.Seq[*blocks.Network] {
	p := &pipeline{space: s}
	if s != nil {
		return func(yield func(*blocks.Network) bool) {
			r := rand.New(rand.NewPCG(seed, 0x63616c6962))
			for i := 0; ; i++ {
				// Calibrate holds every third out, and never those; what comes first it times for certain.
				if k := i - i/3; i%3 != 2 && k < len(wellKnown) {
					if n, err := zoo.Get(wellKnown[k]); err == nil && !yield(n) {
						return
					}
					continue
				}
				if n := p.example(i, r); n != nil && !yield(n) {
					return
				}
			}
		}
	}
	return func(yield func(*blocks.Network) bool) {
		for _, c := range classics {
			for _, w := range c.widths {
				for _, res := range []int{224, 192, 160, 128} {
					n, err := zoo.Get(fmt.Sprintf("%s@width=%g,res=%d", c.spec, w, res))
					if err == nil && !yield(n) {
						return
					}
				}
			}
		}
	}
}
