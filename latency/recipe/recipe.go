// Package recipe makes a runtime of any program that times a model file, on this machine or
// on a device that its commands reach. A recipe is data: the commands to start, and the
// pattern of the time in their output. What a recipe file holds is [Spec].
package recipe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"nas/blocks/engine"
	"nas/internal/buildinfo"
	"nas/internal/fault"
	"nas/latency/recipe/internal/model"
	"nas/latency/recipe/internal/output"
	"nas/latency/timing"
)

// Spec describes how to time a network with somebody else's program, on this machine or on one
// that the program reaches. It is the content of a recipe file. Commands are lists of arguments
// and start without a shell. In the arguments these placeholders are replaced:
//
//	{model} {models}   the path of a model; as a whole argument, the paths of up to Batch
//	{name} {names}     the same without directories, for commands on another device;
//	                   {names} inside an argument is a list with spaces
//	{stem}             {name} without its ending
//	{out}              where Convert must leave its result
//	{dir}              the directory of models and Files
//	{host} {remote}    Host and RemoteDir
//	{threads} {runs}   Threads, and the runs wanted
//	{mask}             CPUSet as a number in hexadecimal, bit i for core i
type Spec struct {
	Name    string `toml:"name"`    // of the device
	Runtime string `toml:"runtime"` // e.g. "onnxruntime"
	Version string `toml:"version"` // of the runtime
	CPU     string `toml:"cpu"`     // empty: what Facts tells, or this machine's
	// ISA is the instruction set that the cost terms assume; empty: what Facts tells, or this
	// machine's.
	ISA     string `toml:"isa"`
	Threads int    `toml:"threads"` // 0: 1
	// CPUSet lists the cores that {mask} stands for: "4-7", "0,2"; empty: all.
	CPUSet string `toml:"cpu_set"`
	// Units says how networks are cut: empty for the ops that runtimes fuse, "plan"
	// for the kernels of this program, where that is what runs on the device.
	Units string `toml:"units"`
	// Format is what is written for each network: "onnx", which empty means, or "tflite".
	Format string `toml:"format"`
	// DType is the type of weights and activations: "float32", which empty means, or "int8".
	// With Convert, ONNX files are written in float32: another type is what Convert makes of it.
	DType string `toml:"dtype"`
	// Quant says how the weights of a file of int8 are scaled: "per_channel", which empty means,
	// or "per_tensor". IO is the type of input and outputs of a .tflite file, "float", which
	// empty means, or "int8".
	Quant string `toml:"quant"`
	IO    string `toml:"io"`
	// Convert, if not empty, makes of each model written the file {out}, which ends
	// in Converted ("tflite"). It runs here.
	Convert   []string `toml:"convert"`
	Converted string   `toml:"converted"`
	// Host and RemoteDir name another device and a directory there.
	Host      string `toml:"host"`
	RemoteDir string `toml:"remote_dir"`
	// Files are put beside the models before the first command starts, without their
	// folders: paths from the recipe's own directory.
	Files []string `toml:"files"`
	// Setup are commands that run once, Push and Cleanup run before and after each
	// start of Command: to bring {models} to another device and to remove them.
	// An error of Cleanup is ignored.
	Setup   [][]string `toml:"setup"`
	Push    []string   `toml:"push"`
	Command []string   `toml:"command"`
	Cleanup []string   `toml:"cleanup"`
	// Facts is a command that prints what nas doctor --json prints on the device:
	// the machine that the profile is of.
	Facts []string `toml:"facts"`
	// Pattern is a regular expression (RE2). Each match in the output is one
	// model's time, in the order of the models: the group "time", or the first
	// one; a group "mean" says that the time is a mean. Groups p5, p10, p90, p95 and runs may be
	// there, too. Where the match is the summary of TensorFlow Lite's benchmark_model, the
	// statistics before it count.
	Pattern string `toml:"pattern"`
	Unit    string `toml:"unit"` // of the times: "s", "ms", "us", "ns"
	// Batch is the number of models of one start with {models}, at most 1000; 0: 16.
	Batch int `toml:"batch" zero:"16"`
	// TimeoutS bounds one start of any command in seconds, at most a day; 0: 120. Retries is
	// the number of further attempts after a failed one, at most 20.
	TimeoutS float64 `toml:"timeout_s" zero:"120"`
	Retries  int     `toml:"retries"`
}

// Recipe is a Runtime made from a Spec.
type Recipe struct {
	spec   Spec
	files  fs.FS
	output *output.Pattern
	model  model.Form
	many   bool
	mask   string // of the cores, in hexadecimal
	// about runs the command Facts at the first call, and remembers what it printed.
	about func() (remoteFacts, error)
}

// Name is that of the device.
func (r *Recipe) Name() string { return r.spec.Name }

// remoteFacts is what the command Facts prints.
type remoteFacts struct {
	Machine timing.Facts `json:"machine"`
	ISA     string       `json:"isa"`
	Version string       `json:"version"`
}

// New makes a runtime of a recipe. The error lists all that is wrong with it. files holds the
// files that it names; nil if it names none.
func New(spec Spec, files fs.FS) (*Recipe, error) {
	r := &Recipe{spec: spec, files: files}
	var errs []error
	bad := func(key, format string, a ...any) {
		err := fault.Errorf("latency: recipe %q: %s: %s", spec.Name, key, fmt.Sprintf(format, a...))
		if !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == err.Error() }) { // of several commands
			errs = append(errs, err)
		}
	}
	for _, k := range []struct{ key, v string }{{"name", spec.Name}, {"runtime", spec.Runtime}} {
		if k.v == "" {
			bad(k.key, "is missing")
		}
	}
	r.model = model.Form{Format: spec.Format, DType: spec.DType, Quant: spec.Quant, IO: spec.IO}
	r.model.Check(len(spec.Convert) > 0, bad)
	r.spec.Format, r.spec.DType = r.model.Format, r.model.DType
	if spec.Units != "" && spec.Units != "plan" {
		bad("units", "%q, want \"plan\" or nothing", spec.Units)
	}
	if isas := []string{"", "neon", "avx2", "avx512", "generic"}; !slices.Contains(isas, spec.ISA) {
		bad("isa", "%q, want one of %s, or nothing", spec.ISA, strings.Join(isas[1:], ", "))
	}
	if spec.Converted != "" && len(spec.Convert) == 0 {
		bad("converted", "%q is the ending of what convert makes, which is missing", spec.Converted)
	}
	r.checkCommands(bad)
	var err error
	if r.mask, err = maskOf(spec.CPUSet); err != nil {
		bad("cpu_set", "%v", err)
	}
	r.output = output.New(spec.Pattern, spec.Unit, bad)
	for _, n := range []struct {
		key     string
		v, most float64
	}{
		{"threads", float64(spec.Threads), 1024}, {"batch", float64(spec.Batch), 1000},
		{"timeout_s", spec.TimeoutS, 24 * 3600}, {"retries", float64(spec.Retries), 20},
	} {
		if !(n.v >= 0 && n.v <= n.most) {
			bad(n.key, "%g, want 0 to %g", n.v, n.most)
		}
	}
	for _, f := range spec.Files {
		if files == nil {
			bad("files", "%q: no directory to take it from", f)
		} else if _, err := fs.Stat(files, f); err != nil {
			bad("files", "%v", err)
		}
	}
	r.spec.Threads = max(1, spec.Threads)
	r.spec.Batch = cmp.Or(spec.Batch, 16)
	r.spec.TimeoutS = cmp.Or(spec.TimeoutS, 120)
	r.about = sync.OnceValues(r.ask)
	return r, errors.Join(errs...)
}

var (
	// singles and lists are the placeholders of one model and of many.
	singles = []string{"{model}", "{name}", "{stem}"}
	lists   = []string{"{models}", "{names}"}
	// placeholder finds what looks like one.
	placeholder = regexp.MustCompile(`\{[a-z]+\}`)
	// placeholders are all that there are.
	placeholders = slices.Concat(
		[]string{"{out}", "{dir}", "{host}", "{remote}", "{threads}", "{runs}", "{mask}"},
		singles,
		lists,
	)
)

// checkCommands checks the placeholders of all commands, and finds out whether one start takes
// many models.
func (r *Recipe) checkCommands(bad func(key, format string, a ...any)) {
	s := &r.spec
	if len(s.Command) == 0 {
		bad("command", "is empty")
	}
	has := func(args []string, what []string) bool {
		return slices.ContainsFunc(args, func(a string) bool {
			return slices.ContainsFunc(what, func(w string) bool { return strings.Contains(a, w) })
		})
	}
	r.many = has(s.Command, lists)
	if has(s.Command, singles) == r.many && len(s.Command) > 0 {
		bad(
			"command",
			"want {model} or {models} (on another device {name} or {names}) among the arguments, and not both",
		)
	}
	for _, c := range []struct {
		key      string
		commands [][]string
	}{
		{"command", [][]string{s.Command}}, {"setup", s.Setup}, {"push", [][]string{s.Push}},
		{"cleanup", [][]string{s.Cleanup}}, {"facts", [][]string{s.Facts}}, {"convert", [][]string{s.Convert}},
	} {
		key := c.key
		for _, args := range c.commands {
			if key == "setup" && len(args) == 0 {
				bad(key, "holds an empty command")
			}
			for _, a := range args {
				for _, p := range placeholder.FindAllString(a, -1) {
					switch {
					case !slices.Contains(placeholders, p):
						bad(key, "%s stands for nothing; there are %s", p, strings.Join(placeholders, " "))
					case p == "{models}" && a != p:
						bad(key, "%q: {models} must be an argument by itself", a)
					case p == "{host}" && s.Host == "":
						bad("host", "is missing: say which device, with --device %s:HOST", cmp.Or(s.Name, "RECIPE"))
					case p == "{remote}" && s.RemoteDir == "":
						bad("remote_dir", "is missing")
					}
				}
			}
		}
	}
	if strings.HasPrefix(s.Host, "-") {
		bad("host", "%q begins with a dash: programs would take it for an option", s.Host)
	}
	ending := s.Converted != "" && s.Converted != s.Format && s.Converted == path.Base(s.Converted)
	if len(s.Convert) > 0 && (!has(s.Convert, []string{"{out}"}) || !ending) {
		bad(
			"convert",
			"want {out} among the arguments, and in converted the ending of that file, other than %q",
			s.Format,
		)
	}
}

// ask runs the command Facts.
func (r *Recipe) ask() (remoteFacts, error) {
	var f remoteFacts
	if len(r.spec.Facts) == 0 {
		return f, nil
	}
	out, err := r.run(context.Background(), r.expand(r.spec.Facts, start{}))
	if err == nil {
		err = json.Unmarshal(out, &f)
	}
	if err == nil && f.Machine.CPU == "" {
		err = errors.New("it names no machine")
	}
	if err != nil {
		return remoteFacts{}, fault.Errorf("latency: recipe %s: asking the device what it is: %w", r.spec.Name, err)
	}
	return f, nil
}

// Device returns what is timed. A recipe with Facts asks the device at the first call; if that
// fails, Open says why.
func (r *Recipe) Device() timing.Device {
	s := &r.spec
	f, _ := r.about()
	d := timing.Device{
		Name: s.Name, CPU: cmp.Or(s.CPU, f.Machine.CPU), Runtime: s.Runtime, Version: s.Version,
		DType: s.DType, Threads: s.Threads, CPUSet: s.CPUSet, Cut: timing.CutOps,
	}
	if s.Units == "plan" {
		d.Cut = timing.CutPlan
	}
	if buildinfo.IsRelease(f.Version) && d.Version == "" {
		d.Version = f.Version
	}
	switch isa := cmp.Or(s.ISA, f.ISA); {
	case isa == "":
		d.Target = engine.Host(s.Threads)
	default:
		d.Target = timing.PhoneTarget(s.Threads)
		d.Target.ISA = isa
		if m := f.Machine; m.L1 > 0 && m.L2 > 0 && m.L3 > 0 {
			d.Target.L1, d.Target.L2, d.Target.L3 = m.L1, m.L2, m.L3
		}
	}
	if d.CPU == "" {
		d.CPU = timing.HostFacts(nil).CPU
		if s.Host != "" {
			d.CPU = s.Host
		}
	}
	if s.CPUSet != "" { // the cores of a phone differ
		d.CPU += ", cores " + s.CPUSet
	}
	return d
}

// Facts are those that the device tells. Without them they are those of this machine, or only the
// processor's name if the recipe reaches another device.
func (r *Recipe) Facts() timing.Facts {
	f, _ := r.about()
	switch {
	case f.Machine.CPU != "":
		return f.Machine
	case r.spec.Host != "" || r.spec.CPU != "":
		return timing.Facts{CPU: r.Device().CPU, Cores: r.spec.Threads, Load: -1}
	}
	return timing.HostFacts(nil)
}

// maxCores bounds the number of a core.
const maxCores = 64

// maskOf turns a list of cores as taskset and Linux write it, "0,4-7", into a number in hexadecimal with a bit for
// each. No list is all cores that phones have.
func maskOf(set string) (string, error) {
	if set == "" {
		return "ffff", nil
	}
	var mask uint64
	for part := range strings.SplitSeq(set, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 8)
		b, err2 := strconv.ParseUint(last, 10, 8)
		if err != nil || err2 != nil || a > b || b >= maxCores {
			return "", fmt.Errorf("%q, want cores from 0 to %d, such as \"4-7\" or \"0,2\"", set, maxCores-1)
		}
		for ; a <= b; a++ {
			mask |= 1 << a
		}
	}
	return strconv.FormatUint(mask, 16), nil
}
