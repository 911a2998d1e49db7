package latency

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/onnx"
)

// RecipeSpec describes how to time a network with somebody else's program, on
// this machine or one that the program reaches. It is the content of a recipe
// file.
type RecipeSpec struct {
	Name    string `toml:"name"`    // of the device
	Runtime string `toml:"runtime"` // e.g. "onnxruntime"
	Version string `toml:"version"` // of the runtime
	CPU     string `toml:"cpu"`     // empty: this machine's
	ISA     string `toml:"isa"`     // instruction set that the cost terms assume; empty: this machine's
	DType   string `toml:"dtype"`   // empty: float32
	Threads int    `toml:"threads"` // 0: 1
	// Format is what is written for each network: "onnx".
	Format string `toml:"format"`
	// Files are put beside the models before the command starts: names in the
	// recipe's own directory.
	Files []string `toml:"files"`
	// Command is the program and its arguments. In them {model} stands for the
	// path of a model; an argument {models} for the paths of up to Batch models,
	// one argument each; {dir} for the directory of models and files; {threads} for
	// Threads; {runs} for the runs wanted.
	Command []string `toml:"command"`
	// Pattern is a regular expression (RE2). Each match in the output is one
	// model's time, in the order of the models: the group "time", or the first
	// one. Groups p10, p90 and runs may be there, too.
	Pattern string `toml:"pattern"`
	Unit    string `toml:"unit"` // of the times: "s", "ms", "us", "ns"
	// Batch is the number of models of one start with {models}; 0: 16.
	Batch int `toml:"batch"`
	// TimeoutS bounds one start in seconds; 0: 120. Retries is the number of
	// further attempts after a failed one.
	TimeoutS float64 `toml:"timeout_s"`
	Retries  int     `toml:"retries"`
}

// maxRecipeOutput bounds what is kept of a command's output.
const maxRecipeOutput = 4 << 20

// Recipe is a Runtime made from a RecipeSpec.
type Recipe struct {
	spec    RecipeSpec
	files   fs.FS
	pattern *regexp.Regexp
	scale   float64 // ms in a unit of time
	many    bool
}

var timeUnits = map[string]float64{"s": 1e3, "ms": 1, "us": 1e-3, "ns": 1e-6}

// NewRecipe checks a recipe; all problems are reported at once. files holds the
// files it names.
func NewRecipe(spec RecipeSpec, files fs.FS) (*Recipe, error) {
	r := &Recipe{spec: spec, files: files}
	var errs []error
	bad := func(key, format string, a ...any) {
		errs = append(errs, fmt.Errorf("latency: recipe %q: %s: %s", spec.Name, key, fmt.Sprintf(format, a...)))
	}
	if spec.Name == "" {
		bad("name", "is missing")
	}
	if spec.Runtime == "" {
		bad("runtime", "is missing")
	}
	r.spec.Format = cmp.Or(spec.Format, "onnx")
	if r.spec.Format != "onnx" {
		bad("format", "%q, want \"onnx\"", spec.Format)
	}
	if len(spec.Command) == 0 {
		bad("command", "is empty")
	}
	one := false
	for _, a := range spec.Command {
		r.many = r.many || a == "{models}"
		one = one || strings.Contains(a, "{model}")
	}
	if one == r.many && len(spec.Command) > 0 {
		bad("command", "want {model} or {models} among the arguments, and not both")
	}
	var err error
	if r.pattern, err = regexp.Compile(spec.Pattern); err != nil {
		bad("pattern", "%v", err)
	} else if r.pattern.NumSubexp() == 0 {
		bad("pattern", "%q has no group that holds the time", spec.Pattern)
	}
	var ok bool
	if r.scale, ok = timeUnits[spec.Unit]; !ok {
		bad("unit", "%q, want s, ms, us or ns", spec.Unit)
	}
	for _, n := range []struct {
		key string
		v   float64
	}{{"threads", float64(spec.Threads)}, {"batch", float64(spec.Batch)}, {"timeout_s", spec.TimeoutS}, {"retries", float64(spec.Retries)}} {
		if n.v < 0 {
			bad(n.key, "%g is negative", n.v)
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
	r.spec.DType = cmp.Or(spec.DType, "float32")
	return r, errors.Join(errs...)
}

// Device says what is timed.
func (r *Recipe) Device() Device {
	t := engine.Host(r.spec.Threads)
	if r.spec.ISA != "" {
		t = engine.Target{ISA: r.spec.ISA, L1: 32 << 10, L2: 512 << 10, L3: 4 << 20, Threads: r.spec.Threads}
	}
	cpu := r.spec.CPU
	if cpu == "" {
		cpu = HostFacts(nil).CPU
	}
	return Device{Name: r.spec.Name, CPU: cpu, Runtime: r.spec.Runtime, Version: r.spec.Version, DType: r.spec.DType, Threads: r.spec.Threads, Cut: cutOps, Target: t}
}

// Facts are those of the machine that starts the command.
func (r *Recipe) Facts() Facts { return HostFacts(nil) }

// Open makes a directory for models.
func (r *Recipe) Open(context.Context, float64) (Timer, error) {
	dir, err := os.MkdirTemp("", "nas-latency-")
	if err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	t := &recipeTimer{r: r, dir: dir}
	for _, f := range r.spec.Files {
		b, err := fs.ReadFile(r.files, f)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o755)
		}
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("latency: recipe %s: %w", r.spec.Name, err)
		}
	}
	return t, nil
}

type recipeTimer struct {
	r   *Recipe
	dir string
	n   int
}

func (t *recipeTimer) ReferenceMs() float64 { return 0 }

func (t *recipeTimer) Close() []string {
	os.RemoveAll(t.dir)
	return nil
}

// Time times one network.
func (t *recipeTimer) Time(ctx context.Context, n *blocks.Network, e Effort) (Timing, error) {
	s, err := t.many(ctx, []*blocks.Network{n}, e.Runs)
	if err != nil {
		return Timing{}, err
	}
	return Timing{Whole: s[0], Slow: 1, Runs: s[0].Runs}, nil
}

// many times networks, as many in one start of the command as the recipe says.
func (t *recipeTimer) many(ctx context.Context, nets []*blocks.Network, runs int) ([]Sample, error) {
	batch := 1
	if t.r.many {
		batch = t.r.spec.Batch
	}
	out := make([]Sample, 0, len(nets))
	for part := range slices.Chunk(nets, batch) {
		paths := make([]string, len(part))
		for i, n := range part {
			t.n++
			paths[i] = filepath.Join(t.dir, fmt.Sprintf("m%d.onnx", t.n))
			if err := writeModel(paths[i], n); err != nil {
				return nil, err
			}
		}
		var s []Sample
		var err error
		for try := 0; try <= t.r.spec.Retries; try++ {
			if s, err = t.start(ctx, paths, runs); err == nil || ctx.Err() != nil {
				break
			}
		}
		if err != nil {
			return nil, fmt.Errorf("latency: recipe %s, %d attempt(s): %w", t.r.spec.Name, t.r.spec.Retries+1, err)
		}
		for _, p := range paths {
			os.Remove(p)
		}
		out = append(out, s...)
	}
	return out, nil
}

func writeModel(path string, n *blocks.Network) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	if err := errors.Join(onnx.Write(f, n, timingWeights(n), onnx.Options{FoldBN: true}), f.Close()); err != nil {
		return fmt.Errorf("latency: writing network %s: %w", n.Name, err)
	}
	return nil
}

// start runs the command once.
func (t *recipeTimer) start(ctx context.Context, paths []string, runs int) ([]Sample, error) {
	var args []string
	for _, a := range t.r.spec.Command {
		if a == "{models}" {
			args = append(args, paths...)
			continue
		}
		args = append(args, strings.NewReplacer("{model}", paths[0], "{dir}", t.dir,
			"{threads}", strconv.Itoa(t.r.spec.Threads), "{runs}", strconv.Itoa(max(1, runs))).Replace(a))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(t.r.spec.TimeoutS*float64(time.Second)))
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.WaitDelay = 2 * time.Second // for children that keep the pipe open
	var out, msg bounded
	cmd.Stdout, cmd.Stderr = &out, &msg
	err := cmd.Run()
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return nil, fmt.Errorf("%s took longer than timeout_s = %g", args[0], t.r.spec.TimeoutS)
	case err != nil:
		return nil, fmt.Errorf("%s: %w%s", args[0], err, tail(msg.buf.Bytes(), out.buf.Bytes()))
	case out.over:
		return nil, fmt.Errorf("%s wrote more than %d bytes", args[0], maxRecipeOutput)
	}
	return t.r.parse(out.buf.Bytes(), len(paths))
}

// parse finds the times of n models in a command's output.
func (r *Recipe) parse(out []byte, n int) ([]Sample, error) {
	found := r.pattern.FindAllSubmatch(out, -1)
	if len(found) != n {
		return nil, fmt.Errorf("the pattern %q matches %d times in the output, %d model(s) were timed%s", r.spec.Pattern, len(found), n, tail(out))
	}
	num := func(m [][]byte, group string) (float64, bool) {
		i := r.pattern.SubexpIndex(group)
		if i < 0 && group == "time" {
			i = 1
		}
		if i < 0 || m[i] == nil {
			return 0, false
		}
		v, err := strconv.ParseFloat(string(m[i]), 64)
		return v, err == nil && v >= 0
	}
	ss := make([]Sample, n)
	for i, m := range found {
		v, ok := num(m, "time")
		if !ok || v == 0 {
			return nil, fmt.Errorf("the pattern's time %q is no positive number", m[1])
		}
		v *= r.scale
		s := Sample{MedianMs: v, P10Ms: v, P90Ms: v, LowMs: v, HighMs: v, Runs: 1}
		if p, ok := num(m, "p10"); ok {
			s.P10Ms = p * r.scale
		}
		if p, ok := num(m, "p90"); ok {
			s.P90Ms = p * r.scale
		}
		if k, ok := num(m, "runs"); ok {
			s.Runs = int(k)
		}
		ss[i] = s
	}
	return ss, nil
}

// bounded keeps the first maxRecipeOutput bytes.
type bounded struct {
	buf  bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > maxRecipeOutput {
		b.over = true
		return len(p), nil
	}
	return b.buf.Write(p)
}

// tail quotes the end of the first text that is not empty.
func tail(texts ...[]byte) string {
	for _, b := range texts {
		if b = bytes.TrimSpace(b); len(b) > 0 {
			return fmt.Sprintf(": %q", b[max(0, len(b)-300):])
		}
	}
	return ""
}

// recipeRuns is how often a network is to be run by a command.
const recipeRuns = 30

// calibrateRecipe times whole networks through a recipe until the time or the
// networks end, and fits costs to them.
func calibrateRecipe(ctx context.Context, r *Recipe, networks iter.Seq[*blocks.Network], o Options) (*Profile, error) {
	start := time.Now()
	d := r.Device()
	var base *Profile
	if o.Base != nil {
		return nil, errors.New("latency: adding to a profile of whole networks is not possible; calibrate with a larger budget")
	}
	if base = o.Prior; base == nil {
		base = genericProfile(d)
	}
	facts := r.Facts()
	timer, err := r.Open(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer timer.Close()
	var ms []Measured
	var samples []Sample
	why := "networks"
	next, stop := pull(networks)
	defer stop()
	for {
		var nets []*blocks.Network
		for len(nets) < r.spec.Batch {
			n, ok := next()
			if !ok {
				break
			}
			nets = append(nets, n)
		}
		if len(nets) == 0 {
			break
		}
		s, err := timer.(*recipeTimer).many(ctx, nets, recipeRuns)
		if err != nil {
			return nil, err
		}
		for i, n := range nets {
			ms = append(ms, Measured{n, s[i].MedianMs})
			samples = append(samples, s[i])
		}
		if o.Progress != nil {
			o.Progress(Progress{Phase: "measuring", Elapsed: time.Since(start), Budget: o.Budget, HeldOut: len(ms)})
		}
		if time.Since(start) > time.Duration(float64(o.Budget)*(1-fitShare)) {
			why = "budget"
			break
		}
	}
	p, err := Adapt(base, d, ms)
	if err != nil {
		return nil, err
	}
	for i := range samples {
		p.HeldOut[i].Measured = samples[i]
	}
	p.Facts = facts
	p.Calibration.Stopped = why
	p.Calibration.WallS = time.Since(start).Seconds()
	p.Warnings = append(p.Warnings, facts.warnings(d.Threads)...)
	return p, nil
}
