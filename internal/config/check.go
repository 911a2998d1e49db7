package config

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func defaults(path string) *Config {
	base := filepath.Base(path)
	return &Config{
		Name: strings.TrimSuffix(base, filepath.Ext(base)),
		Seed: 1,
		Latency: Latency{Device: "native", Threads: 1, Profile: Named[string]{"": "auto"},
			Budget: Duration(30 * time.Second)},
		Accuracy:    Accuracy{Proxy: "rankmean(naswot,depth)", Recipe: "base"},
		Constraints: Constraints{BytesPerValue: 4},
		Search:      Search{Objectives: []string{"latency", "accuracy"}, Algorithm: Auto},
		Output:      Output{Export: []string{"onnx", "toml", "json"}, Measure: 40},
	}
}

// check checks everything but the space, and fills in the defaults that depend on other values.
func (c *Config) check(d *decoder) {
	between := func(key string, v, lo, hi int) {
		if v < lo || v > hi {
			d.add(key, strconv.Itoa(v), fmt.Sprintf("want %d to %d", lo, hi))
		}
	}
	oneOf := func(key, v string, words []string) {
		if !slices.Contains(words, v) {
			d.add(key, strconv.Quote(v), "want one of "+strings.Join(words, ", "))
		}
	}
	if c.Name == "" || strings.ContainsAny(c.Name, `/\`) || strings.HasPrefix(c.Name, ".") {
		d.add("name", strconv.Quote(c.Name), "want a word that can be a folder's name")
	}
	if c.Output.Dir == "" {
		c.Output.Dir = filepath.ToSlash(filepath.Join("results", c.Name))
	}
	between("latency.threads", c.Latency.Threads, 1, 1024)
	if c.Latency.Device == "" {
		d.add("latency.device", `""`, `want "native", a recipe's name or a recipe file`)
	}
	if c.Latency.Budget < Duration(time.Second) {
		d.add("latency.budget", c.Latency.Budget.quoted(), `want at least "1s"`)
	}
	for name, file := range c.Latency.Profile.All() {
		if file == "" {
			d.add(join("latency.profile", name), `""`, `want "auto" or a file`)
		}
		if strings.ContainsAny(name, "@,: ") {
			d.add(join("latency.profile", name), strconv.Quote(file),
				"want a name without spaces, commas, colons and @")
		}
	}
	if c.Accuracy.Proxy == "" {
		d.add("accuracy.proxy", `""`, "want a score such as rankmean(naswot,depth)")
	}
	if b := c.Constraints.BytesPerValue; b != 1 && b != 2 && b != 4 {
		d.add("constraints.bytes_per_value", strconv.Itoa(b), "want 1, 2 or 4")
	}
	for name := range c.Constraints.MaxLatency.All() {
		if _, ok := c.Latency.Profile[name]; name != "" && !ok {
			d.add(join("constraints.max_latency", name), "",
				"want the name of a profile of latency.profile: "+strings.Join(c.Latency.Profile.Names(), ", "))
		}
	}
	c.checkUnits(d)
	if c.Search.Population != 0 {
		between("search.population", c.Search.Population, 4, 100_000)
	}
	if c.Search.Evaluations == 0 {
		if c.Search.Evaluations = 4000; c.Accuracy.Proxy == "imagenet" {
			c.Search.Evaluations = UntilPlateau
		}
	}
	if c.Search.Trials == 0 {
		c.Search.Trials = c.Search.trials()
	}
	between("search.trials", c.Search.Trials, 1, math.MaxInt32)
	between("search.plateau", c.Search.Plateau, 0, 1_000_000_000)
	c.checkObjectives(d, oneOf)
	for i, f := range c.Output.Export {
		oneOf(fmt.Sprintf("output.export[%d]", i+1), f, Formats)
	}
	between("output.measure", c.Output.Measure, 0, 100_000)
}

func (c *Config) checkObjectives(d *decoder, oneOf func(key, v string, words []string)) {
	if len(c.Search.Objectives) < 1 {
		d.add("search.objectives", "[]", "want one or more of "+strings.Join(Objectives, ", "))
	}
	for i, o := range c.Search.Objectives {
		key := fmt.Sprintf("search.objectives[%d]", i+1)
		name, profile, at := strings.Cut(o, "@")
		if slices.Index(c.Search.Objectives, o) < i {
			d.add(key, strconv.Quote(o), "want each objective once")
		}
		_, known := c.Latency.Profile[profile]
		switch {
		case at && name != "latency":
			d.add(key, strconv.Quote(o), "want no @: only latency has profiles")
		case name == "latency" && !known:
			d.add(key, strconv.Quote(o), "want latency@ and the name of a profile of latency.profile: "+
				strings.Join(c.Latency.Profile.Names(), ", "))
		default:
			oneOf(key, name, Objectives)
		}
	}
}

// checkUnits reports limits whose unit measures something else, and then drops the units: from
// here on a limit is in the unit of its constraint.
func (c *Config) checkUnits(d *decoder) {
	check := func(key string, l *Limit, want quantity) {
		if l == nil {
			return
		}
		if l.quantity != anything && l.quantity != want {
			d.add(key, strconv.Quote(l.written), "want "+string(want))
		}
		l.quantity, l.written = anything, ""
	}
	k := &c.Constraints
	for name, l := range k.MaxLatency.All() {
		check(join("constraints.max_latency", name), &l, duration)
		k.MaxLatency[name] = l
	}
	check("constraints.max_params", k.MaxParams, count)
	check("constraints.max_macs", k.MaxMACs, count)
	check("constraints.max_activation_bytes", k.MaxActivationBytes, memory)
	check("constraints.max_weight_bytes", k.MaxWeightBytes, memory)
	check("constraints.min_top1_pct", k.MinTop1Pct, percent)
}

func join(key, name string) string {
	if name == "" {
		return key
	}
	return key + "." + name
}
