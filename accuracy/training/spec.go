package training

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nas/accuracy/evaluators"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/tomlfile"
)

// Spec is what a recipe file says. Keys that it shares with a device's recipe mean the same.
type Spec struct {
	Name  string `toml:"name"`
	Label string `toml:"label"` // of a plot's axis; empty: Name and Unit
	Unit  string `toml:"unit"`  // "pct" for per cent of test images, or any short word; empty: none
	// Goal is "max", which empty means, or "min": whether larger or smaller values are better.
	Goal string `toml:"goal"`
	// Worst is a value that no useful network is worse than, in Unit: the reference point of the hypervolume. It may be
	// left out where Unit is "pct" and Goal "max": then it is that of guessing, 100 divided by the number of classes.
	Worst *float64 `toml:"worst"`
	// SD is the standard deviation of the value between seeds of one network, in Unit; 0: not known.
	SD float64 `toml:"sd"`
	// Setup are commands that run once, in the recipe's folder, before the first network is trained.
	Setup [][]string `toml:"setup"`
	// Command trains one network by one rung. It runs in the trial's folder.
	Command []string `toml:"command"`
	// Files are copied into the trial's folder under their base names. Their paths start at the recipe's folder.
	Files []string `toml:"files"`
	// Pattern is a regular expression (RE2) that is matched with every line of output. Its groups are accuracy, and where
	// they are there epoch, loss and params. The last accuracy of a rung is its value.
	Pattern string `toml:"pattern"`
	// Result is a JSON file of the trial's folder with the same keys, in place of Pattern.
	Result string `toml:"result"`
	// Weights is a .safetensors file of the trial's folder with the trained weights, named as in net.py; empty: none.
	Weights string `toml:"weights"`
	// Rungs are the total epochs of each rung, ascending. Of the networks that reached a rung, one in Eta goes on to the
	// next; 0: 3.
	Rungs []int `toml:"rungs"`
	Eta   int   `toml:"eta" zero:"3"`
	// Slots are the trainings at once: a number, or names, one each, which {gpu} stands for. None: one.
	Slots Slots `toml:"slots"`
	// TimeoutS bounds one rung, and one command of Setup, in seconds, at most 30 days; 0: an hour. Retries is the number
	// of further attempts after a failed one, at most 20. A command that was killed from outside
	// gets one further attempt in any case.
	TimeoutS float64 `toml:"timeout_s" zero:"an hour"`
	Retries  int     `toml:"retries"`
	// Env names the variables of the environment that the commands see, besides those that every program needs.
	Env []string `toml:"env"`
	// Keep says which trials' folders stay: "finished", which empty means, for those that reached the last rung, "all",
	// or "none".
	Keep string `toml:"keep"`
}

// Slots are the names of the trainings that may run at once, one each; "" is a slot without a name.
type Slots []string

// UnmarshalTOML reads a number of slots, or their names.
func (s *Slots) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case int64:
		if v < 1 || v > maxSlots {
			return fmt.Errorf("%d slots: want 1 to %d", v, maxSlots)
		}
		*s = make(Slots, v)
		return nil
	case []any:
		for _, name := range v {
			n, ok := name.(string)
			if !ok || n == "" || slices.Contains(*s, n) {
				return fmt.Errorf("slots: want different names, such as [\"cuda:0\", \"cuda:1\"]")
			}
			*s = append(*s, n)
		}
		if n := len(*s); n >= 1 && n <= maxSlots {
			return nil
		}
	}
	return errors.New(`slots: want a number, or names such as ["cuda:0", "cuda:1"]`)
}

const maxSlots = 1024

// Goals and rules for folders.
const (
	Maximise     = "max"
	Minimise     = "min"
	KeepFinished = "finished"
	KeepAll      = "all"
	KeepNone     = "none"
)

// Recipe is a checked recipe.
type Recipe struct {
	spec    Spec
	files   fs.FS // that Spec.Files are from
	folder  string
	pattern *regexp.Regexp
	hash    string
}

// New checks a recipe. files holds what it names, folder is where that lies on the disk, "" if it does not. All that is
// wrong is in the error.
func New(spec Spec, files fs.FS, folder string) (*Recipe, error) {
	r := &Recipe{spec: spec, files: files, folder: folder}
	s := &r.spec
	var errs []error
	bad := func(key, format string, a ...any) {
		errs = append(errs, fault.Errorf("training: recipe %q: %s: %s", spec.Name, key, fmt.Sprintf(format, a...)))
	}
	if s.Name == "" {
		bad("name", "is missing")
	}
	s.Goal, s.Keep, s.Eta = cmp.Or(s.Goal, Maximise), cmp.Or(s.Keep, KeepFinished), cmp.Or(s.Eta, 3)
	s.TimeoutS = cmp.Or(s.TimeoutS, 3600)
	if s.Label == "" {
		s.Label = s.Name
		if s.Unit != "" {
			s.Label += " (" + s.Unit + ")"
		}
	}
	if len(s.Slots) == 0 {
		s.Slots = Slots{""}
	}
	if s.Goal != Maximise && s.Goal != Minimise {
		bad("goal", "%q, want max or min", s.Goal)
	}
	if !slices.Contains([]string{KeepFinished, KeepAll, KeepNone}, s.Keep) {
		bad("keep", "%q, want finished, all or none", s.Keep)
	}
	if s.Worst != nil && (math.IsNaN(*s.Worst) || math.IsInf(*s.Worst, 0)) {
		bad("worst", "%g, want a number", *s.Worst)
	} else if s.Worst == nil && (s.Unit != "pct" || s.Goal != Maximise) {
		bad("worst", "is missing: want a value that no useful network is worse than (with unit pct and goal max it is known)")
	}
	for _, n := range []struct {
		key         string
		v, lo, most float64
	}{{"sd", s.SD, 0, 1e9}, {"eta", float64(s.Eta), 2, 100}, {"timeout_s", s.TimeoutS, 0, 30 * 24 * 3600},
		{"retries", float64(s.Retries), 0, 20}} {
		if !(n.v >= n.lo && n.v <= n.most) {
			bad(n.key, "%g, want %g to %g", n.v, n.lo, n.most)
		}
	}
	r.checkRungs(bad)
	r.checkReading(bad)
	r.checkCommands(bad)
	r.checkFiles(bad)
	r.hash = r.makeHash(bad)
	return r, errors.Join(errs...)
}

func (r *Recipe) checkRungs(bad func(key, format string, a ...any)) {
	s := &r.spec
	if len(s.Rungs) == 0 {
		bad("rungs", "is missing: want the epochs of each rung, such as [3, 10, 30], or one number, such as [30]")
	}
	if len(s.Rungs) > 16 {
		bad("rungs", "has %d numbers, want 16 or fewer", len(s.Rungs))
	}
	for i, n := range s.Rungs {
		if n < 1 || n > 1_000_000 || i > 0 && n <= s.Rungs[i-1] {
			bad("rungs", "%v, want ascending numbers of epochs from 1 to 1000000", s.Rungs)
			return
		}
	}
}

// groups are the names that a pattern's groups may have.
var groups = []string{"accuracy", "epoch", "loss", "params"}

func (r *Recipe) checkReading(bad func(key, format string, a ...any)) {
	s := &r.spec
	switch {
	case s.Pattern == "" && s.Result == "":
		bad("pattern", "is missing: want a regular expression with a group (?P<accuracy>...), or result = a JSON file")
	case s.Pattern != "" && s.Result != "":
		bad("result", "%q stands beside pattern: keep one of them", s.Result)
	case s.Pattern != "":
		var err error
		if r.pattern, err = regexp.Compile(s.Pattern); err != nil {
			bad("pattern", "%q is no regular expression: %s", s.Pattern,
				strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			return
		}
		if r.pattern.SubexpIndex("accuracy") < 0 {
			bad("pattern", "%q has no group (?P<accuracy>...)", s.Pattern)
		}
		for _, g := range r.pattern.SubexpNames() {
			if g != "" && !slices.Contains(groups, g) {
				bad("pattern", "there is no group %q, want %s", g, strings.Join(groups, ", "))
			}
		}
	}
	for _, f := range []struct{ key, name string }{{"result", s.Result}, {"weights", s.Weights}} {
		if f.name != "" && !fs.ValidPath(f.name) {
			bad(f.key, "%q, want a file of the trial's folder", f.name)
		}
	}
	if s.Weights != "" && path.Ext(s.Weights) != ".safetensors" {
		bad("weights", "%q, want a .safetensors file", s.Weights)
	}
}

// placeholders are what the arguments of commands may hold, and variable finds what looks like one.
var (
	placeholders = []string{
		"{dir}", "{recipe}", "{data}", "{epochs}", "{from}", "{rung}", "{seed}", "{gpu}", "{threads}", "{classes}", "{size}",
		"{total}", "{nas}",
	}
	ofSetup     = []string{"{recipe}", "{data}"}
	placeholder = regexp.MustCompile(`\{[a-z]+\}`)
)

func (r *Recipe) checkCommands(bad func(key, format string, a ...any)) {
	s := &r.spec
	check := func(key string, args, known []string) {
		if len(args) == 0 || args[0] == "" {
			bad(key, "is empty: want a program and its arguments")
		}
		for _, a := range args {
			for _, p := range placeholder.FindAllString(a, -1) {
				if !slices.Contains(known, p) {
					bad(key, "%s stands for nothing; there are %s", p, strings.Join(known, " "))
				} else if p == "{recipe}" && r.folder == "" {
					bad(key, "{recipe}: a recipe that comes with the program has no folder; name its files in files")
				}
			}
			if strings.ContainsRune(a, 0) {
				bad(key, "%q, want no zero byte", a)
			}
		}
	}
	check("command", s.Command, placeholders)
	for _, args := range s.Setup {
		check("setup", args, ofSetup)
	}
	for _, name := range s.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			bad("env", "%q, want the name of a variable", name)
		}
	}
}

// written are the files that this package writes into a trial's folder. Spec.Files must not have these names.
var written = []string{"net.py", "net.safetensors", "net.onnx", "net.json", "arch.json"}

func (r *Recipe) checkFiles(bad func(key, format string, a ...any)) {
	names := slices.Clone(written)
	for _, f := range r.spec.Files {
		name := path.Base(f)
		switch info, err := fs.Stat(r.files, f); {
		case !fs.ValidPath(f):
			bad("files", "%q, want a path from the recipe's folder", f)
		case err != nil:
			bad("files", "%v", err)
		case !info.Mode().IsRegular():
			bad("files", "%q is no file", f)
		case slices.Contains(names, name):
			bad("files", "%q, want another name: the trial's folder has a %s already", f, name)
		default:
			names = append(names, name)
		}
	}
}

// makeHash hashes everything that the values depend on, and reports files that it cannot read.
func (r *Recipe) makeHash(bad func(key, format string, a ...any)) string {
	s := r.spec
	s.Name, s.Label, s.Worst, s.SD, s.Slots, s.Setup, s.TimeoutS, s.Retries, s.Keep, s.Eta =
		"", "", nil, 0, nil, nil, 0, 0, "", 0
	text, err := json.Marshal(s)
	if err != nil {
		panic("training: " + err.Error()) // nothing in it has no JSON form
	}
	h := sha256.New()
	h.Write(text)
	for _, name := range s.Files {
		f, err := r.files.Open(name)
		if err != nil {
			continue // told by checkFiles
		}
		fmt.Fprintf(h, "\n%s\n", name)
		if n, err := io.Copy(h, io.LimitReader(f, maxFile+1)); err != nil || n > maxFile {
			bad("files", "%q cannot be read, or is larger than %d bytes", name, maxFile)
		}
		f.Close()
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// maxFile bounds each of Spec.Files, in bytes.
const maxFile = 16 << 20

// Needs reports whether a command has a placeholder.
func (r *Recipe) Needs(placeholder string) bool {
	return slices.ContainsFunc(slices.Concat(r.spec.Setup, [][]string{r.spec.Command}), func(args []string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, placeholder) })
	})
}

// WithRungs returns a copy of the recipe with other numbers of epochs.
func (r *Recipe) WithRungs(epochs ...int) *Recipe {
	other := *r
	other.spec.Rungs = epochs
	return &other
}

// Spec returns what the recipe says, with its defaults.
func (r *Recipe) Spec() Spec { return r.spec }

// Hash returns 16 hex digits that change with whatever the values depend on: the command, what it gets and how it is
// read, and the contents of its files. The data that it reads is not part of it.
func (r *Recipe) Hash() string { return r.hash }

// Worst returns the reference value for networks with so many classes.
func (r *Recipe) Worst(classes int) float64 {
	if w := r.spec.Worst; w != nil {
		return *w
	}
	return 100 / float64(max(1, classes))
}

// String names the recipe and its hash.
func (r *Recipe) String() string {
	return "evaluator(" + strconv.Quote(r.spec.Name) + ", " + r.hash + ")"
}

// Load reads a recipe: the path of a file, or the name of one that comes with the program.
func Load(name string) (*Recipe, error) {
	var text []byte
	var err error
	var files fs.FS
	folder := ""
	if slices.Contains(evaluators.Names(), name) {
		files = evaluators.Folder(name)
		text, err = fs.ReadFile(files, evaluators.RecipeFile)
	} else {
		if folder, err = filepath.Abs(filepath.Dir(name)); err != nil {
			return nil, err
		}
		text, err = boundedfile.Read(name, tomlfile.Small)
		files = os.DirFS(folder)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no such recipe: want a file, or one of %s", strings.Join(evaluators.Names(), ", "))
	}
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, errors.New("the file is empty: want a recipe, as docs/training.md describes it")
	}
	var spec Spec
	unknown, err := tomlfile.Decode(text, &spec, tomlfile.Small)
	if err != nil {
		return nil, fmt.Errorf("%w: want a recipe, as docs/training.md describes it", err)
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("line %d: unknown key %.80s: want the keys that docs/training.md lists",
			tomlfile.LinesOf(text).Of(unknown[0]), unknown[0])
	}
	return New(spec, files, folder)
}
