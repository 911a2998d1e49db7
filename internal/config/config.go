// Package config reads the one TOML file that describes a run. It is strict:
// unknown keys, wrong types and impossible values are all reported at once, each
// with file, line, key, value and what would be right.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/tomlfile"
	"nas/space"
)

// Config is one run. Load returns it checked and with every default filled in.
//
// The reference of the config is made from the comments and tags of the fields of this
// and the following types, as [space.Spec] describes.
type Config struct {
	// Name is the name of the run. Default: the file's name without its ending.
	Name string `toml:"name" example:"'mobile'" bad:"'a/b'"`
	// Seed is the seed of the search, from which every random choice follows. Default 1.
	Seed        uint64      `toml:"seed" example:"7"`
	Space       space.Spec  `toml:"space"`
	Latency     Latency     `toml:"latency"`
	Accuracy    Accuracy    `toml:"accuracy"`
	Constraints Constraints `toml:"constraints"`
	Search      Search      `toml:"search"`
	Output      Output      `toml:"output"`

	file     string
	lines    tomlfile.Lines // of the file
	warnings []Problem
	accepted bool              // see AcceptProfiles
	texts    map[string][]byte // of profiles, see SetProfile
}

// AcceptProfiles takes the latency profiles of this machine that the config names as they are. Otherwise a run measures
// networks first, and refuses a profile whose intervals do not hold. No file says so, and no result depends on it.
func (c *Config) AcceptProfiles() { c.accepted = true }

// ProfilesAccepted tells whether AcceptProfiles was called.
func (c *Config) ProfilesAccepted() bool { return c.accepted }

// OfWorkers are the names of the profiles that workers of a fleet make, with the names of the workers.
func (c *Config) OfWorkers() map[string]string {
	workers := map[string]string{}
	for name, file := range c.Latency.Profile {
		if worker, ok := strings.CutPrefix(file, OfFleet); ok {
			workers[name] = worker
		}
	}
	return workers
}

// SetProfile keeps the text of a profile that a worker has made. It is no part of the file.
func (c *Config) SetProfile(name string, text []byte) {
	if c.texts == nil {
		c.texts = map[string][]byte{}
	}
	c.texts[name] = text
}

// ProfileText is what SetProfile kept; nil for nothing.
func (c *Config) ProfileText(name string) []byte { return c.texts[name] }

// File is the path of the file that the config was read from.
func (c *Config) File() string { return c.file }

// Latency says whose latency is predicted.
type Latency struct {
	// Device is what runs the networks: "native", the name of a shipped recipe or a recipe
	// file. Default native.
	Device string `toml:"device" example:"'onnxruntime'" allowed:"native or a recipe: see [devices](devices.md)"`
	// DType is the type of weights and activations. Default: the device's, or float32.
	DType string `toml:"dtype" example:"'int8'" allowed:"float32, int8"`
	// Threads is the number of threads of one network. Default 1.
	Threads int `toml:"threads" example:"2"`
	// Profile is "auto" (the cached profile of this device, calibrated if it is missing),
	// "sustained" (that of the [hot device](devices.md#the-hot-device)), a file, the name of a
	// shipped profile, "fleet:NAME" (the [worker](scale.md#phones-on-a-desk) of that name
	// calibrates its device), or several by name. Default auto.
	Profile Named[string] `toml:"profile" example:"'phone.json'" allowed:"{{'auto'}}, a file, a name, a table"`
	// Budget is how long a calibration may take. Default 30s.
	Budget Duration `toml:"budget" unit:"duration" example:"'90s'" bad:"'1ms'"`
}

// Accuracy says what stands in for trained accuracy.
type Accuracy struct {
	// Proxy is the score. Default rankmean(naswot,depth), or none with an evaluator.
	Proxy string `toml:"proxy" example:"'imagenet'" allowed:"[accuracy](accuracy.md), {{nas validate accuracy --help}}"`
	// Evaluator trains the networks instead: the file of an evaluator recipe, or the name of a shipped one. The accuracy
	// is then what the recipe's command prints. Default none.
	Evaluator string `toml:"evaluator" example:"'torch-folder'" allowed:"[training](training.md)"`
	// Data is the folder of the data set that the evaluator's {data} stands for. Default none.
	Data string `toml:"data" example:"'data/fashion-mnist'" with:"evaluator = 'torch-folder'" allowed:"a path"`
	// Recipe is the class of training recipes that the proxy imagenet is for. Default base.
	Recipe string `toml:"recipe" example:"'strong'" allowed:"[recipes](accuracy.md#recipes)"`
	// Seed is the seed of the proxies, of the reference sample, and of trainings. Default 0.
	Seed uint64 `toml:"seed" example:"3"`
}

// Constraints are upper limits, and lower ones for min_. A nil limit is none.
type Constraints struct {
	// MaxLatency limits the predicted latency, one limit for all profiles or one for each
	// name of a profile.
	MaxLatency Named[Limit] `toml:"max_latency" unit:"ms" example:"'25ms'" bad:"'5%'"`
	// MaxParams limits the trainable parameters, batch normalisation included.
	MaxParams *Limit `toml:"max_params" unit:"parameters" example:"'5M'" bad:"'5%'"`
	// MaxMACs limits the multiply-accumulates of one image.
	MaxMACs *Limit `toml:"max_macs" unit:"MACs" example:"'300M'" bad:"'5%'"`
	// MaxActivationBytes limits the peak of activation memory at batch size 1.
	MaxActivationBytes *Limit `toml:"max_activation_bytes" unit:"bytes" example:"'320kB'" bad:"'5%'"`
	// MaxWeightBytes limits the parameters times BytesPerValue.
	MaxWeightBytes *Limit `toml:"max_weight_bytes" unit:"bytes" example:"'1MB'" bad:"'5%'"`
	// MinTop1Pct is a lower limit on the accuracy score if that is a percentage.
	MinTop1Pct *Limit `toml:"min_top1_pct" unit:"per cent" example:"70" bad:"'5ms'"`
	// BytesPerValue is the size of an activation and of a weight in the limits in bytes.
	// Default 4.
	BytesPerValue int `toml:"bytes_per_value" unit:"bytes" example:"1"`
	// Runtime says whose activation memory is counted. With tflm it is the planned part of TensorFlow
	// Lite Micro's arena for the .tflite file of 8-bit integers, and that file is what export writes.
	// Default: the tensors that are still needed, plus the output of the op at work.
	Runtime string `toml:"runtime" example:"'tflm'" with:"bytes_per_value = 1" allowed:"[tflm](boards.md)"`
}

// TFLM as a runtime of constraints is TensorFlow Lite Micro.
const TFLM = "tflm"

// Auto as an algorithm is the one that suits the budget.
const Auto = "auto"

// Search says how candidates are proposed, and when to stop.
type Search struct {
	// Objectives are what the front trades off. Latency may be followed by @ and the name of
	// a profile; a shipped one, here and here-sustained need no entry in latency.profile. Default latency, accuracy.
	Objectives []string `toml:"objectives" example:"['latency', 'accuracy', 'params']" bad:"['?']"`
	// Algorithm is how candidates are proposed. Default auto, by the number of evaluations.
	Algorithm string `toml:"algorithm" example:"'random'" allowed:"{{algorithms}}: see [search](search.md)"`
	// Population is the number of candidates that survive a generation, and of the first
	// ones, which are sampled at random. Default 0, by algorithm and evaluations.
	Population int `toml:"population" unit:"networks" example:"64"`
	// LookAhead is how many candidates may be open at once, and so how many workers can be busy. A
	// candidate does not know the results of so many before it. Default 0, by algorithm: a quarter of the
	// population for nsga2.
	LookAhead int `toml:"look_ahead" unit:"networks" example:"256"`
	// Evaluations is the largest number of candidates that are scored, or "plateau": until the
	// hypervolume has grown by less than 0.1 % over the last 5000, at most 200000. Default
	// plateau with proxy imagenet, which is fast, 60 with an evaluator, else 4000.
	Evaluations Evaluations `toml:"evaluations" unit:"networks" example:"20_000"`
	// Trials is the largest number of candidates that are asked for, infeasible ones
	// included. Default 20 x evaluations, or 400000 with plateau.
	Trials int `toml:"trials,omitzero" zero:"20 x evaluations" unit:"networks" example:"100_000"`
	// Time is the wall time of the search. Default 0, no limit.
	Time Duration `toml:"time" unit:"duration" example:"'10m'"`
	// Plateau stops the search if the hypervolume has grown by less than 0.1 % over so many
	// evaluations. Default 0: 5000 with evaluations plateau, else never.
	Plateau int `toml:"plateau" unit:"networks" example:"1000"`
	// Timeout is the time limit of one evaluation. Default 0, none.
	Timeout Duration `toml:"timeout" unit:"duration" example:"'5s'"`
	// Start names networks whose nearest genotypes seed the population.
	Start []string `toml:"start" example:"['mobilenet_v2']" allowed:"names of the zoo, files, trials, arch strings"`
}

// Output says where results go.
type Output struct {
	// Dir is the run's directory. Default results/NAME.
	Dir string `toml:"dir" example:"'results/mobile'" allowed:"a path"`
	// Export are the formats of the networks under export/. Default onnx, toml, json.
	Export []string `toml:"export" example:"['onnx', 'pytorch']" bad:"['?']"`
	// Measure is the number of front members that are measured at the end, spread evenly
	// over the front; 0 means none. Default 40.
	Measure int `toml:"measure" unit:"networks" example:"20"`
}

// Objectives are the names that search.objectives may hold; latency may be
// followed by @ and the name of a profile.
var Objectives = []string{"latency", "accuracy", "params", "macs", "activation_bytes", "weight_bytes"}

// Formats are the names that output.export may hold.
var Formats = []string{"onnx", "toml", "json", "pytorch", "tflite", "c-array"}

// A Check judges what this package cannot, such as the names of networks, and
// reports what it finds: key is a path such as search.start[2], value the text
// found there, want what would be right. It sees a config that may have other
// problems.
type Check func(c *Config, report func(key, value, want string))

const givePath = "give the path of a config, such as configs/mobile.toml"

// Load reads a file. Its problems and those of the checks are reported together.
func Load(path string, checks ...Check) (*Config, error) {
	data, err := boundedfile.Read(path, tomlfile.Small)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Errorf("config: %s does not exist: %s", path, givePath)
	}
	if info, e := os.Stat(path); e == nil && info.IsDir() {
		return nil, fault.Errorf("config: %s is a directory: %s", path, givePath)
	}
	if err != nil {
		return nil, fault.Errorf("config: %w", err)
	}
	return Decode(path, data, checks...)
}

// Decode reads the text of a file. Every problem is in the error, an [*Error].
func Decode(path string, data []byte, checks ...Check) (*Config, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		p := Problem{Want: "the file is empty: start from a config such as configs/mobile.toml"}
		return nil, &Error{path, []Problem{p}}
	}
	var tree map[string]any
	if _, err := tomlfile.Decode(data, &tree, tomlfile.Small); err != nil {
		p := Problem{Want: err.Error()}
		if e := (*tomlfile.Error)(nil); errors.As(err, &e) {
			p = Problem{Line: e.Line, Key: e.Key, Want: e.Problem}
		}
		if once, list := oneBracket(data, p.Line); once != "" && strings.HasSuffix(p.Want, "keep one") {
			p.Want = fmt.Sprintf("%s beside %s: want %s in every place", once, list, list)
		} else if strings.HasPrefix(p.Key, "space.stage") && strings.HasSuffix(p.Want, "keep one") {
			p.Want += ", or begin another [[space.stage]] before it"
		}
		return nil, &Error{path, []Problem{p}}
	}
	c := defaults(path)
	c.file = path
	d := decoder{written: map[string]string{}}
	d.table("", tree, c)
	c.checkSpace(&d)
	c.check(&d)
	for _, check := range checks {
		check(c, d.add)
	}
	lines := tomlfile.LinesOf(data)
	if len(d.problems) > 0 {
		place(d.problems, lines)
		return nil, &Error{path, d.problems}
	}
	place(c.warnings, lines)
	c.lines = lines
	return c, nil
}

// checkSpace has the space judge its table and fill in its defaults.
func (c *Config) checkSpace(d *decoder) {
	s, err := space.New(c.Space)
	if err == nil {
		c.Space = s.Spec()
		for _, p := range s.Slips() {
			c.Warn(p.Key, p.Value, p.Want)
		}
		return
	}
	var se *space.SpecError
	if !errors.As(err, &se) {
		d.add("space", "", err.Error())
		return
	}
	for _, p := range se.Problems {
		want := p.Want
		if p.Value == "" {
			p.Value = d.written[p.Key]
		}
		switch {
		case len(p.Words) > 0:
			want = OneOf(strings.Trim(p.Value, `"`), p.Words)
		case p.Value == "":
			want = "is missing: want " + want
		case !strings.HasPrefix(want, "no such key"):
			want = "want " + want
		}
		d.addOf(p.Key, p.Of, p.Value, want)
	}
}

// Encode writes the resolved config as TOML, which Decode reads to the same config.
func (c *Config) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(c); err != nil {
		return nil, fault.Errorf("config: %w", err)
	}
	// A text that is not set is a line left out.
	return emptyText.ReplaceAll(b.Bytes(), nil), nil
}

var emptyText = regexp.MustCompile(`(?m)^[a-z_]+ = ""\n`)
