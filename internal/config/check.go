package config

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"nas/latency/devices"
)

var workerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func defaults(path string) *Config {
	base := filepath.Base(path)
	return &Config{
		Name: strings.TrimSuffix(base, filepath.Ext(base)),
		Seed: 1,
		Latency: Latency{Device: "native", Threads: 1, Profile: Named[string]{"": "auto"},
			Budget: Duration(30 * time.Second)},
		Accuracy:    Accuracy{Recipe: "base"},
		Constraints: Constraints{BytesPerValue: 4},
		Search:      Search{Objectives: []string{"latency", "accuracy"}, Algorithm: Auto},
		Output:      Output{Export: []string{"onnx", "toml", "json"}, Measure: 40},
	}
}

// maxName is the most bytes of a name that becomes part of a file's.
const maxName = 100

// inNoFileName tells characters that a name must not have if it becomes part of a file's.
func inNoFileName(r rune) bool { return r == '/' || r == '\\' || !unicode.IsPrint(r) }

// check checks everything but the space, and fills in the defaults that depend on other values.
func (c *Config) check(d *decoder) {
	c.shippedProfiles()
	between := func(key string, v, lo, hi int) {
		if v < lo || v > hi {
			d.add(key, strconv.Itoa(v), fmt.Sprintf("want %d to %d", lo, hi))
		}
	}
	oneOf := func(key, v string, words []string) {
		if !slices.Contains(words, v) {
			d.add(key, strconv.Quote(v), OneOf(v, words))
		}
	}
	if n := c.Name; n == "" || len(n) > maxName || strings.ContainsFunc(n, inNoFileName) || strings.HasPrefix(n, ".") {
		d.add("name", strconv.Quote(c.Name), "want a word that can be a folder's name")
	}
	if c.Output.Dir == "" {
		c.Output.Dir = filepath.ToSlash(filepath.Join("results", c.Name))
	}
	if c.Latency.DType != "" {
		oneOf("latency.dtype", c.Latency.DType, []string{"float32", "int8"})
	}
	between("latency.threads", c.Latency.Threads, 1, 1024)
	if c.Latency.Budget < Duration(time.Second) {
		d.add("latency.budget", c.Latency.Budget.quoted(), `want at least "1s"`)
	}
	for name, file := range c.Latency.Profile.All() {
		if len(name) > maxName || strings.ContainsAny(name, "@,: ") || strings.ContainsFunc(name, inNoFileName) {
			d.add(join("latency.profile", name), strconv.Quote(file),
				"want a short name without spaces, commas, colons, slashes and @")
		}
		if worker, ok := strings.CutPrefix(file, OfFleet); ok && !workerName.MatchString(worker) {
			d.add(join("latency.profile", name), strconv.Quote(file),
				`want the name of a worker, such as "fleet:pixel7" for nas worker --measures --name pixel7`)
		}
	}
	if b := c.Constraints.BytesPerValue; b != 1 && b != 2 && b != 4 {
		d.add("constraints.bytes_per_value", strconv.Itoa(b), "want 1, 2 or 4")
	}
	if r := c.Constraints.Runtime; r != "" && r != TFLM {
		d.add("constraints.runtime", strconv.Quote(r), `want "tflm", or leave it out`)
	} else if b := c.Constraints.BytesPerValue; r == TFLM && b != 1 {
		d.addOf("constraints.runtime", "constraints.bytes_per_value", strconv.Quote(r),
			fmt.Sprintf("want bytes_per_value = 1 with it, not %d: TensorFlow Lite Micro runs a file of 8-bit integers", b))
	}
	for name, l := range c.Constraints.MaxLatency.All() {
		if _, ok := c.Latency.Profile[name]; name != "" && !ok {
			d.addOf(join("constraints.max_latency", name), "latency.profile", cmp.Or(l.quoted(), l.String()),
				c.meantProfile("", name)+c.profileNames(""))
		}
	}
	c.checkPaths(d)
	c.slips()
	c.checkUnits(d)
	if c.Search.LookAhead != 0 {
		between("search.look_ahead", c.Search.LookAhead, 1, 1_000_000)
	}
	if c.Search.Population != 0 {
		between("search.population", c.Search.Population, 4, 100_000)
	}
	c.checkEvaluator(d)
	if c.Search.Evaluations == 0 {
		switch c.Search.Evaluations = 4000; {
		case c.Accuracy.Evaluator != "":
			c.Search.Evaluations = 60
		case c.Accuracy.Proxy == "imagenet":
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

// checkPaths refuses paths that only a shell understands. A run would make a folder named ~.
func (c *Config) checkPaths(d *decoder) {
	path := func(key, value string) {
		if value == "~" || strings.HasPrefix(value, "~/") || strings.HasPrefix(value, "$") {
			d.add(key, strconv.Quote(value), "want the path written out: no shell reads this file")
		}
	}
	path("output.dir", c.Output.Dir)
	path("accuracy.data", c.Accuracy.Data)
	path("accuracy.evaluator", c.Accuracy.Evaluator)
	for name, file := range c.Latency.Profile.All() {
		path(join("latency.profile", name), file)
	}
	for i, name := range c.Search.Start {
		path(fmt.Sprintf("search.start[%d]", i+1), name)
	}
}

// checkEvaluator settles whether networks are scored or trained.
func (c *Config) checkEvaluator(d *decoder) {
	a := &c.Accuracy
	switch {
	case a.Evaluator == "":
		a.Proxy = cmp.Or(a.Proxy, "rankmean(naswot,depth)")
		if a.Data != "" {
			d.addOf("accuracy.data", "accuracy.evaluator", strconv.Quote(a.Data), "want evaluator, too: a proxy reads no data")
		}
		return
	case a.Proxy != "":
		d.add("accuracy.proxy", strconv.Quote(a.Proxy),
			"want proxy or evaluator, and not both: a network is scored or trained")
	case !slices.Contains(c.Search.Objectives, "accuracy"):
		d.addOf("accuracy.evaluator", "search.objectives", strconv.Quote(a.Evaluator),
			"want accuracy among search.objectives, or no evaluator: networks would be trained for nothing")
	}
	if c.Search.Timeout > 0 {
		d.addOf("search.timeout", "accuracy.evaluator", c.Search.Timeout.quoted(),
			"want timeout_s in the evaluator's recipe instead: candidates also wait for each other")
	}
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
		case name == "latency" && (at && profile == "" || !known):
			d.addOf(key, "latency.profile", strconv.Quote(o), c.meantProfile("latency@", profile)+c.profileNames("latency@"))
		case name == "latency" && !at && len(c.Latency.Profile) > 1:
			// A limit named a shipped profile, beside the one of latency.profile that has no name.
			d.addOf(key, "latency.profile", strconv.Quote(o), fmt.Sprintf("want latency@%s: there are several profiles; "+
				"the other one has a name with profile = {here = %q} under [latency]",
				c.Latency.Profile.Names()[1], c.Latency.Profile[""]))
		default:
			oneOf(key, name, Objectives)
		}
	}
}

// meantProfile begins what would be right in place of an unknown name of a profile, behind a prefix: the name that it
// is close to comes first.
func (c *Config) meantProfile(prefix, name string) string {
	known := append(c.Latency.Profile.Names(), devices.Profiles()...)
	known = slices.DeleteFunc(known, func(n string) bool { return n == "" })
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q? want ", prefix+near)
	}
	return "want "
}

// profileNames says how profiles are named behind a prefix.
func (c *Config) profileNames(prefix string) string {
	names := c.Latency.Profile.Names()
	if names[0] == "" {
		return "no name: latency.profile gives none, as profile = {phone = \"phone.json\"} would (\"fleet:phone\" for the " +
			"device of a worker of that name), and it is none of the shipped ones, such as pixel4, that nas device list names"
	}
	for i := range names {
		names[i] = prefix + names[i]
	}
	return "one of " + strings.Join(names, ", ") + ", as latency.profile names them; there, \"fleet:NAME\" in place of " +
		"a file is the device of the worker of that name"
}

// checkUnits reports limits whose unit measures something else, and then drops the units: from
// here on a limit is in the unit of its constraint.
func (c *Config) checkUnits(d *decoder) {
	check := func(key string, l *Limit, want quantity) {
		if l == nil {
			return
		}
		if l.quantity != anything && l.quantity != want {
			d.add(key, l.quoted(), "want "+string(want))
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
	if l := k.MinTop1Pct; l != nil && l.Of == "" && (l.Value < 0 || l.Value > 100) {
		d.add("constraints.min_top1_pct", l.String(), "want a percentage from 0 to 100")
	}
}

// join is the path of a key in a table; either may be empty.
func join(table, key string) string {
	if table == "" || key == "" {
		return table + key
	}
	return table + "." + key
}
