package evaluator

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"nas/accuracy"
	"nas/internal/config"
	named "nas/internal/device"
	"nas/internal/fault"
	"nas/internal/resolve"
	"nas/internal/runstore"
	"nas/latency"
	"nas/latency/devices"
	"nas/search"
)

// Check is the [config.Check] of everything that a config names and only other
// packages know: algorithms, scores, networks, devices, and places to write to.
func Check(c *config.Config, report func(key, value, want string)) {
	if words := append([]string{config.Auto}, search.Algorithms()...); !slices.Contains(words, c.Search.Algorithm) {
		report("search.algorithm", strconv.Quote(c.Search.Algorithm), config.OneOf(c.Search.Algorithm, words))
	}
	if c.Accuracy.Evaluator != "" {
		checkTraining(c, report)
	} else {
		checkProxy(c, report)
	}
	checkDevice(c, report)
	if err := runstore.Writable(c.Output.Dir); err != nil {
		report("output.dir", strconv.Quote(c.Output.Dir), fault.Text(err))
	}
	if c.Constraints.MinTop1Pct != nil && c.Accuracy.Evaluator == "" && !accuracy.IsPercent(c.Accuracy.Proxy) {
		report("constraints.min_top1_pct", c.Constraints.MinTop1Pct.String(), fmt.Sprintf(
			"want none with accuracy.proxy = %q, which is no per cent of images: leave it out, or take the proxy imagenet",
			c.Accuracy.Proxy))
	}
	for i, name := range c.Search.Start {
		if _, err := resolve.ArchOf(name); err != nil {
			report(fmt.Sprintf("search.start[%d]", i+1), strconv.Quote(name), fault.Text(err))
		}
	}
	network := func(key string, l *config.Limit) {
		if l == nil || l.Of == "" {
			return
		}
		if _, err := resolve.NetworkOf(l.Of); err != nil {
			report(key, strconv.Quote(l.String()), fault.Text(err)+`; for a number and its unit want "25ms", "320kB" or "5M"`)
		}
	}
	for name, l := range c.Constraints.MaxLatency.All() {
		network(strings.TrimSuffix("constraints.max_latency."+name, "."), &l)
	}
	for _, r := range constraintsOf(&c.Constraints, nil) {
		network("constraints."+r.name, r.limit)
	}
}

// checkProxy reports a score that cannot judge the networks of the space.
func checkProxy(c *config.Config, report func(key, value, want string)) {
	proxy, value := c.Accuracy.Proxy, strconv.Quote(c.Accuracy.Proxy)
	const key = "accuracy.proxy"
	if err := accuracy.CheckSpec(proxy); err != nil {
		want := fault.Text(err) + "; for several want rankmean, as in rankmean(naswot,depth)"
		if near := config.Nearest(proxy, accuracy.Names()); near != "" {
			want = fmt.Sprintf("did you mean %q? ", near) + want
		}
		report(key, value, want)
		return
	}
	if err := accuracy.CheckRecipe(proxy, c.Accuracy.Recipe); err != nil {
		report("accuracy.recipe", strconv.Quote(c.Accuracy.Recipe), fault.Text(err))
	}
	if accuracy.Uses(proxy, "surrogate") {
		report(key, value, "a surrogate is fitted to trained networks, of which a config has none: "+
			"search with imagenet or rankmean(naswot,depth), then nas tell fits one to what you trained")
	}
	if !accuracy.Uses(proxy, "imagenet") {
		return
	}
	const instead = "imagenet knows %s: want rankmean(naswot,depth), or another %s"
	s := &c.Space
	sides := append([]int(nil), s.Resolution...)
	if len(s.Resolution) == 0 && len(s.Input) == 3 {
		sides = s.Input[:1]
	}
	if s.Head.Kind != "" && s.Head.Kind != "classifier" {
		report(key, value, fmt.Sprintf(instead, "classifiers alone", "space.head"))
	} else if least := accuracy.LeastResolution; len(sides) > 0 && slices.Min(sides) > 0 && slices.Min(sides) < least {
		inputs := fmt.Sprintf("inputs of %d pixels and more, not %d", least, slices.Min(sides))
		report(key, value, fmt.Sprintf(instead, inputs, "space.resolution"))
	} else if s.Classes != 1000 && s.Classes > 0 {
		c.Warn(key, value, fmt.Sprintf("the value is the accuracy on ImageNet, whatever the %d classes are", s.Classes))
	}
}

// checkDevice reports a device that is unknown and profiles that cannot be read.
func checkDevice(c *config.Config, report func(key, value, want string)) {
	l := &c.Latency
	on := named.Choice{Device: l.Device, DType: l.DType, Threads: max(1, l.Threads)}
	if _, err := on.Runtime(); err != nil && (l.DType == "" || l.DType == "float32" || l.DType == "int8") {
		want := strings.TrimPrefix(fault.Text(err), "device "+l.Device+": ")
		switch near := config.Nearest(l.Device, named.Names()); {
		case slices.Contains(devices.Profiles(), l.Device):
			want = fmt.Sprintf("that is a profile: want profile = %q, and no device", l.Device)
		case near != "":
			want = fmt.Sprintf("did you mean %q? ", near) + want
		}
		report("latency.device", strconv.Quote(l.Device), want)
	}
	if n := runtime.NumCPU(); l.Device == "native" && l.Threads > n {
		c.Warn("latency.threads", strconv.Itoa(l.Threads), fmt.Sprintf("this machine has %d cores", n))
	}
	for name, file := range l.Profile.All() {
		if file == config.AutoProfile || file == config.SustainedProfile || strings.HasPrefix(file, config.OfFleet) {
			continue
		}
		p, err := latency.Load(file)
		if err == nil {
			_, err = p.Predictor()
		}
		if errors.Is(err, fs.ErrNotExist) && (runstore.Holds(c.Output.Dir) || runstore.Holds(filepath.Dir(c.File()))) {
			continue // a run keeps a copy
		}
		if err == nil && l.DType != "" && p.Device.DType != l.DType {
			c.Warn("latency.dtype", strconv.Quote(l.DType), fmt.Sprintf("the profile %s is of %s, and its latencies are "+
				"predicted: leave dtype out, or give a profile of %s", file, p.Device.DType, l.DType))
		}
		if err != nil {
			want := fault.Text(err)
			if near := config.Nearest(file, devices.Profiles()); near != "" && errors.Is(err, fs.ErrNotExist) {
				want = fmt.Sprintf("did you mean %q? ", near) + want
			}
			report(strings.TrimSuffix("latency.profile."+name, "."), strconv.Quote(file), want)
		}
	}
}
