// Package config reads the one TOML file that describes a run. It is strict:
// unknown keys, wrong types and impossible values are all reported at once, each
// with file, line, key, value and what would be right.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"nas/space"
)

// Config is one run. Load returns it checked and with every default filled in.
type Config struct {
	Name        string      `toml:"name"` // of the run; default: the file's name without its ending
	Seed        uint64      `toml:"seed"` // of the search; every random choice follows from it; default 1
	Space       space.Spec  `toml:"space"`
	Latency     Latency     `toml:"latency"`
	Accuracy    Accuracy    `toml:"accuracy"`
	Constraints Constraints `toml:"constraints"`
	Search      Search      `toml:"search"`
	Output      Output      `toml:"output"`
}

// Latency says whose latency is predicted.
type Latency struct {
	Device  string `toml:"device"`  // what runs the networks: "native", a shipped recipe's name or a recipe file; default native
	Threads int    `toml:"threads"` // threads of one network; default 1
	// Profile is "auto" (the cached profile of this device, calibrated where it is
	// missing) or a file, or several by name. Default auto.
	Profile Named[string] `toml:"profile"`
	// Budget is how long a calibration may take, e.g. "30s". Default 30s.
	Budget Duration `toml:"budget"`
}

// Accuracy says what stands in for trained accuracy.
type Accuracy struct {
	Proxy string `toml:"proxy"` // the score; default rankmean(naswot,depth)
	Seed  uint64 `toml:"seed"`  // of the proxies and of the reference sample; default 0
}

// Constraints are upper limits, and lower ones for min_. A nil limit is none.
type Constraints struct {
	MaxLatency         Named[Limit] `toml:"max_latency"`          // predicted; one for all profiles, or by profile name
	MaxParams          *Limit       `toml:"max_params"`           // trainable, batch normalisation included
	MaxMACs            *Limit       `toml:"max_macs"`             // multiply-accumulates of one image
	MaxActivationBytes *Limit       `toml:"max_activation_bytes"` // peak activation memory, batch 1
	MaxWeightBytes     *Limit       `toml:"max_weight_bytes"`     // params times BytesPerValue
	MinTop1Pct         *Limit       `toml:"min_top1_pct"`         // of the accuracy score, where it is in per cent
	BytesPerValue      int          `toml:"bytes_per_value"`      // of activations and weights in the limits in bytes; default 4
}

// Auto as an algorithm is the one that suits the budget.
const Auto = "auto"

// Search says how candidates are proposed, and when to stop.
type Search struct {
	Objectives  []string `toml:"objectives"`  // what the front trades; latency may be followed by @ and the name of a profile; default latency, accuracy
	Algorithm   string   `toml:"algorithm"`   // how candidates are proposed; default auto, by the number of evaluations
	Population  int      `toml:"population"`  // candidates that survive a generation, and the first that are drawn at random; default 0, by algorithm and evaluations
	Evaluations int      `toml:"evaluations"` // candidates scored at most; default 4000
	Trials      int      `toml:"trials"`      // candidates asked for at most, infeasible ones included; default 20 x evaluations
	Time        Duration `toml:"time"`        // wall time of the search; default 0, no limit
	Plateau     int      `toml:"plateau"`     // stop when the hypervolume stalls over so many evaluations; default 0, never
	Timeout     Duration `toml:"timeout"`     // of one evaluation; default 0, none
	// Start names networks whose nearest genotypes seed the population.
	Start []string `toml:"start"`
}

// Output says where results go.
type Output struct {
	Dir     string   `toml:"dir"`     // the run's directory; default results/NAME
	Export  []string `toml:"export"`  // formats of the networks under export/; default onnx, toml, json
	Measure int      `toml:"measure"` // front members measured at the end, spread over it; 0 means none; default 40
}

// Objectives are the names that search.objectives may hold; latency may be
// followed by @ and the name of a profile.
var Objectives = []string{"latency", "accuracy", "params", "macs", "activation_bytes", "weight_bytes"}

// Formats are the names that output.export may hold.
var Formats = []string{"onnx", "toml", "json", "pytorch"}

// A Check judges what this package cannot, such as the names of networks, and
// reports what it finds: key is a path such as search.start[2], value the text
// found there, want what would be right. It sees a config that may have other
// problems.
type Check func(c *Config, report func(key, value, want string))

// Load reads a file. Its problems and those of the checks are reported together.
func Load(path string, checks ...Check) (*Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("config: %s does not exist: give the path of a config, such as configs/mobile.toml", path)
	}
	if info, e := os.Stat(path); e == nil && info.IsDir() {
		return nil, fmt.Errorf("config: %s is a directory: give the path of a config, such as configs/mobile.toml", path)
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return Decode(path, data, checks...)
}

// Decode reads the text of a file. Every problem is in the error, an [*Error].
func Decode(path string, data []byte, checks ...Check) (*Config, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, &Error{path, []Problem{{Want: "the file is empty: start from a config such as configs/mobile.toml"}}}
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		p := Problem{Want: err.Error()}
		var pe toml.ParseError
		if errors.As(err, &pe) {
			p = Problem{Line: pe.Position.Line, Key: pe.LastKey, Want: strings.TrimSuffix(pe.Message, ".")}
		}
		switch {
		case bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data):
			p.Want += ": this is no text: want a config such as configs/mobile.toml"
		case strings.Contains(p.Want, "unexpected EOF"), strings.Contains(p.Want, "end of file"):
			p.Want += ": the file was cut off: restore the rest"
		}
		return nil, &Error{path, []Problem{p}}
	}
	c := defaults(path)
	d := decoder{}
	d.table("", tree, c)
	c.checkSpace(&d)
	c.check(&d)
	for _, check := range checks {
		check(c, d.add)
	}
	if len(d.problems) > 0 {
		lines := positions(data)
		for i := range d.problems {
			d.problems[i].Line = lines.of(d.problems[i].Key)
		}
		slices.SortStableFunc(d.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &Error{path, d.problems}
	}
	return c, nil
}

// checkSpace has the space judge its table and fill in its defaults. Of a value
// that could not be read it would say that it is missing or impossible: what is
// at, above or below a key reported already is not reported again.
func (c *Config) checkSpace(d *decoder) {
	s, err := space.New(c.Space)
	if err == nil {
		c.Space = s.Spec()
		return
	}
	var se *space.SpecError
	if !errors.As(err, &se) {
		d.add("space", "", err.Error())
		return
	}
	read := slices.Clone(d.problems)
	for _, p := range se.Problems {
		if !slices.ContainsFunc(read, func(q Problem) bool { return strings.HasPrefix(p.Key, q.Key) || strings.HasPrefix(q.Key, p.Key) }) {
			d.add(p.Key, p.Value, p.Want)
		}
	}
}

// Encode writes the resolved config as TOML, which Decode reads to the same config.
func (c *Config) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return b.Bytes(), nil
}

// A Problem is one thing wrong with a config.
type Problem struct {
	Line  int    // 0 if unknown
	Key   string // e.g. space.stage[2].kernel; entries are counted from 1
	Value string // as found; "" where there is none
	Want  string // what would be right
}

// Error is everything wrong with a config.
type Error struct {
	File     string
	Problems []Problem
}

// Error lists the problems, a line each: "file:line: key = value: want ...".
func (e *Error) Error() string {
	var sb strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			sb.WriteByte('\n')
		}
		fmt.Fprintf(&sb, "%s:", e.File)
		if p.Line > 0 {
			fmt.Fprintf(&sb, "%d:", p.Line)
		}
		switch {
		case p.Key == "":
		case p.Value == "":
			fmt.Fprintf(&sb, " %s:", p.Key)
		default:
			fmt.Fprintf(&sb, " %s = %s:", p.Key, p.Value)
		}
		fmt.Fprintf(&sb, " %s", p.Want)
	}
	return sb.String()
}
