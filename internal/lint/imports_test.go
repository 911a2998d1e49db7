package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "nas"

// A rule says what the packages under a folder may import besides the standard
// library. own lists packages of the module, third modules of others; "*" is all.
// Packages may always import their own internal/ folders, and these their owner. Test files are exempt.
type rule struct {
	dir        string
	own, third []string
}

// rules is the table of who may import whom. The longest matching dir decides.
var rules = []rule{
	{"blocks/kernels", nil, []string{"golang.org/x/sys/cpu"}},
	{"blocks/kernels/int8", []string{"blocks/kernels", "blocks/kernels/integer"}, []string{"golang.org/x/sys/cpu"}},
	{"blocks/kernels/kernelstest", []string{"blocks/kernels"}, nil},
	{"blocks", nil, nil},
	{"blocks/engine", []string{"blocks", "blocks/kernels", "blocks/kernels/int8", "blocks/kernels/integer", "blocks/quant"}, nil},
	{"blocks/zoo", []string{"blocks", "internal/levenshtein"}, nil},
	{"blocks/structure", []string{"blocks"}, nil},
	{"blocks/inherit", []string{"blocks"}, nil},
	{"blocks/onnx", []string{"blocks", "blocks/kernels/integer", "blocks/quant", "blocks/structure"}, []string{"google.golang.org/protobuf/encoding/protowire"}},
	{"blocks/pytorch", []string{"blocks"}, nil},
	{"blocks/quant", []string{"blocks", "blocks/kernels/integer"}, nil},
	{"blocks/tflite", []string{"blocks", "blocks/kernels/integer", "blocks/onnx", "blocks/quant"}, []string{"github.com/google/flatbuffers/go"}},
	{"blocks/tflite/arena", []string{"blocks/tflite"}, nil},
	{"space", []string{"blocks"}, nil},
	{"search/pareto", nil, nil},
	{"search", []string{"search/pareto", "space", "blocks"}, []string{"gonum.org/v1/gonum", "golang.org/x/sync"}},
	{"search/searchtest", []string{"search", "space"}, nil},
	{"latency", []string{"blocks", "blocks/engine", "internal/jsonfile", "latency/devices", "latency/timing"}, nil},
	{"latency/calibrate", []string{"blocks", "blocks/engine", "latency", "latency/timing"}, nil},
	{"latency/internal/costmodel", []string{"blocks", "blocks/engine", "latency/internal/workload"}, []string{"gonum.org/v1/gonum"}},
	{"latency/internal/agreement", nil, nil},
	{"latency/internal/workload", []string{"blocks", "blocks/engine"}, nil},
	{"latency/latencytest", []string{"blocks", "blocks/engine", "latency/internal/costmodel", "latency/timing", "space"}, nil},
	{"latency/recipe", []string{"blocks", "blocks/engine", "latency/timing"}, nil},
	{"latency/recipe/internal/model", []string{"blocks", "blocks/engine", "blocks/onnx", "blocks/tflite", "latency/timing"}, nil},
	{"latency/recipe/internal/output", []string{"latency/timing"}, nil},
	{"latency/devices", nil, nil},
	{"latency/native", []string{"blocks", "blocks/engine", "latency/internal/host", "latency/timing"}, nil},
	{"latency/timing", []string{"blocks", "blocks/engine", "blocks/kernels/integer", "blocks/quant", "latency/internal/host"}, []string{"golang.org/x/sys"}},
	{"latency/internal/host", nil, []string{"golang.org/x/sys"}},
	{"accuracy/proxy", []string{"blocks", "blocks/engine"}, []string{"gonum.org/v1/gonum", "golang.org/x/sync"}},
	{"accuracy/benchmark", []string{"blocks", "blocks/zoo", "space"}, nil},
	{"accuracy/features", []string{"blocks"}, nil},
	{"accuracy/imagenet", []string{"accuracy/benchmark", "accuracy/features", "accuracy/internal/twolevel"}, nil},
	{"accuracy", []string{"accuracy/features", "accuracy/imagenet", "accuracy/proxy", "blocks"}, []string{"gonum.org/v1/gonum", "golang.org/x/sync"}},
	{"accuracy/evaluators", nil, nil},
	{"accuracy/training", []string{"accuracy/evaluators", "blocks", "blocks/onnx", "blocks/pytorch", "internal/tomlfile"}, nil},
	{"accuracy/images", []string{"blocks"}, nil},
	{"accuracy/train", []string{"accuracy/images", "blocks", "blocks/engine", "blocks/kernels"}, nil},
	{"accuracy/accuracytest", []string{"accuracy", "blocks"}, nil},
	{"accuracy/int8drop", []string{"blocks"}, nil},
	{"accuracy/judge", []string{"accuracy", "accuracy/benchmark", "accuracy/imagenet", "accuracy/internal/fit", "blocks"}, []string{"gonum.org/v1/gonum"}},
	{"accuracy/internal/fit", []string{"accuracy/benchmark", "accuracy/features", "accuracy/imagenet", "accuracy/internal/twolevel"},
		[]string{"gonum.org/v1/gonum"}},
	{"accuracy/internal/makemodel", []string{"accuracy/internal/fit"}, nil},
	{"accuracy/internal/scale", nil, nil},
	{"accuracy/internal/twolevel", []string{"accuracy/features"}, nil},
	{"internal/config", []string{"space", "internal/tomlfile", "latency/devices"}, []string{"github.com/BurntSushi/toml"}},
	{"internal/jsonfile", nil, nil},
	{"internal/tomlfile", nil, []string{"github.com/BurntSushi/toml"}},
	{"internal/runstore", []string{"internal/jsonfile", "search"}, []string{"golang.org/x/sys"}},
	{"internal/atomicfile", nil, nil},
	{"internal/boundedfile", nil, nil},
	{"internal/command", nil, nil},
	{"internal/fault", nil, nil},
	{"internal/buildinfo", nil, nil},
	{"internal/levenshtein", nil, nil},
	{"internal/plural", nil, nil},
	{"internal/random", nil, nil},
	{"internal/stat", nil, []string{"gonum.org/v1/gonum"}},
	{"internal/table", nil, nil},
	{"internal/report", []string{"*"}, []string{"*"}},
	{"internal/tasks", []string{"accuracy/training", "blocks", "internal/config", "internal/evaluator", "internal/jsonfile", "internal/rungs", "internal/runstore", "internal/work", "latency/timing", "search", "space"}, nil},
	{"internal/journal", []string{"internal/tasks"}, nil},
	{"internal/fleet", []string{"accuracy/training", "internal/config", "internal/evaluator", "internal/journal", "internal/jsonfile", "internal/profiles", "internal/tasks", "internal/work", "latency",
		"latency/calibrate", "latency/timing", "search", "space"},
		[]string{"github.com/nats-io/nats-server/v2", "github.com/nats-io/nats.go", "github.com/nats-io/nkeys"}},
	{"internal/jobs", []string{"internal/config", "internal/jsonfile", "internal/tasks", "internal/work", "latency/timing"}, nil},
	{"internal/known", []string{"accuracy/training", "internal/evaluator", "internal/journal", "internal/runstore", "internal/tasks", "search"}, nil},
	{"internal/evaluator", []string{"accuracy", "accuracy/benchmark", "accuracy/training", "internal/rungs", "blocks", "blocks/engine", "blocks/tflite", "blocks/tflite/arena", "internal/config", "internal/device", "internal/profiles", "internal/resolve",
		"internal/runstore", "internal/work", "latency", "latency/devices", "latency/timing", "search", "space"}, nil},
	{"internal/profiles", []string{"latency/native", "blocks", "blocks/zoo", "internal/config", "internal/device", "internal/runstore", "internal/work", "latency",
		"latency/calibrate", "latency/timing", "space"}, nil},
	{"internal/work", []string{"search"}, nil},
	{"internal/audit", []string{"accuracy", "blocks", "internal/evaluator", "internal/runstore", "space"}, []string{"gonum.org/v1/gonum"}},
	{"internal/results", []string{"accuracy", "accuracy/training", "internal/config", "internal/report", "internal/report/html", "internal/rungs", "internal/runstore", "search",
		"search/pareto"}, []string{"gonum.org/v1/gonum"}},
	{"internal/importance", []string{"internal/results", "internal/runstore", "search", "space"}, []string{"golang.org/x/sync", "gonum.org/v1/gonum"}},
	{"internal/regression", []string{"blocks", "blocks/engine", "internal/jsonfile", "latency", "latency/timing"}, nil},
	{"internal/compare", []string{"blocks", "internal/config", "internal/regression", "internal/resolve", "internal/results", "internal/runstore", "latency", "search"}, []string{"gonum.org/v1/gonum"}},
	{"internal/view", []string{"accuracy/training", "internal/compare", "internal/config", "internal/importance", "internal/report", "internal/report/html", "internal/resolve", "internal/results", "internal/runstore",
		"latency", "search", "space"}, nil},
	{"internal/run", []string{"accuracy/training", "internal/known", "internal/rungs", "blocks", "blocks/engine", "internal/audit", "internal/config", "internal/evaluator", "internal/fleet", "internal/jobs", "internal/journal", "internal/netfile", "internal/tasks",
		"internal/work",
		"internal/report", "internal/report/html", "internal/resolve", "internal/results", "internal/runstore", "internal/view", "latency", "latency/native", "latency/timing", "search", "search/pareto",
		"space", "latency/calibrate"}, nil},
	{"internal/feedback", []string{"accuracy", "blocks", "internal/config", "internal/evaluator", "internal/resolve", "internal/results",
		"internal/runstore", "internal/work", "search", "space"}, nil},
	{"internal/improve", []string{"accuracy", "blocks", "internal/config", "internal/evaluator", "internal/run", "internal/runstore", "internal/work", "latency",
		"latency/native", "latency/timing", "search", "space"}, []string{"gonum.org/v1/gonum"}},
	{"internal/edits", []string{"blocks"}, nil},
	{"internal/explain", []string{"accuracy", "blocks", "blocks/engine", "blocks/kernels", "internal/edits", "internal/report", "internal/report/html", "internal/work", "latency",
		"latency/calibrate", "latency/native", "latency/timing"}, nil},
	{"internal/forecast", []string{"blocks", "internal/audit", "internal/config", "internal/evaluator", "internal/runstore", "internal/work", "search"}, []string{"gonum.org/v1/gonum"}},
	{"internal/rungs", []string{"accuracy/training", "blocks", "search", "search/pareto"}, nil},
	{"internal/runtest", []string{"internal/config", "internal/evaluator", "internal/runstore", "internal/work", "latency", "latency/native", "latency/timing", "search"}, nil},
	{"internal/netfile", []string{"blocks", "blocks/engine", "blocks/onnx", "blocks/quant", "blocks/pytorch", "blocks/tflite", "blocks/tflite/arena", "internal/jsonfile",
		"internal/tomlfile"}, []string{"github.com/BurntSushi/toml"}},
	{"internal/resolve", []string{"blocks", "blocks/engine", "blocks/zoo", "internal/netfile", "internal/runstore", "search", "space"}, nil},
	{"internal/datasets", nil, nil},
	{"internal/docs", []string{"blocks/onnx", "internal/config", "search", "space"}, nil},
	{"internal/arenaview", []string{"blocks", "blocks/tflite", "blocks/tflite/arena", "internal/report"}, nil},
	{"internal/device", []string{"internal/tomlfile", "latency/devices", "latency/native", "latency/recipe", "latency/timing"}, nil},
	{"internal/imagestest", nil, nil},
	{"internal/int8loss", []string{"blocks", "blocks/engine", "blocks/quant", "blocks/tflite"}, nil},
	{"internal/lint", nil, nil},
	{"internal/peers", []string{"blocks", "blocks/engine", "blocks/kernels", "blocks/zoo", "internal/netfile"}, nil},
	{"internal/release", nil, nil},
	{"cmd/nas", []string{"*"}, []string{"*"}},
}

// tools are leaves, without imports of this module but other tools, that every package may import
// but those of blocks and space. These may import internal/fault alone.
var tools = []string{
	"internal/atomicfile", "internal/boundedfile", "internal/buildinfo", "internal/command", "internal/fault", "internal/levenshtein", "internal/plural", "internal/random", "internal/stat",
	"internal/table",
}

// single lists third-party packages that only one package may import.
var single = map[string]string{
	"gonum.org/v1/plot":  "internal/report",
	"github.com/nats-io": "internal/fleet",
}

// never lists importers that "*" does not cover.
var never = map[string][]string{
	"internal/report": {"cmd/nas", "internal/run", "internal/results", "internal/view", "internal/evaluator"},
}

func TestImports(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" || isNestedModule(p, rel) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(rel)
		r := ruleOf(dir)
		if r == nil {
			t.Errorf("%s: no rule for its folder: add a row to the table, or find the folder it belongs to", rel)
			return nil
		}
		for _, im := range f.Imports {
			q, _ := strconv.Unquote(im.Path.Value)
			if msg := r.judge(dir, q); msg != "" {
				t.Errorf("%s imports %s: %s", rel, q, msg)
			}
		}
		checked++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 50 {
		t.Errorf("only %d files were looked at: is the tree where this test expects it?", checked)
	}
}

// TestRulesAreOfThisTree wants every folder of the table to hold a package, and every module of others to be one that
// this module requires.
func TestRulesAreOfThisTree(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		for _, msg := range r.stale(string(text)) {
			t.Errorf("the row of %s names %s", r.dir, msg)
		}
	}
	planted := rule{"blocks/none", []string{"*", "blocks"}, []string{"*", "example.org/none", "golang.org/x/sys/cpu"}}
	if got := planted.stale(string(text)); len(got) != 2 {
		t.Errorf("of a row with a folder and a module too many it says %q", got)
	}
}

// stale says which folders and modules of a row do not exist.
func (r *rule) stale(goMod string) (msgs []string) {
	for _, dir := range append([]string{r.dir}, r.own...) {
		in, _ := filepath.Glob(filepath.Join(root, dir, "*.go"))
		below, _ := filepath.Glob(filepath.Join(root, dir, "*", "*.go"))
		if len(in)+len(below) == 0 && dir != "*" {
			msgs = append(msgs, dir+", where there is no package")
		}
	}
	for _, third := range r.third {
		required := third == "*"
		for line := range strings.Lines(goMod) {
			f := strings.Fields(strings.TrimPrefix(line, "require "))
			required = required || len(f) >= 2 && within(third, f[0])
		}
		if !required {
			msgs = append(msgs, third+", which go.mod does not require")
		}
	}
	return msgs
}

func TestRulesCatch(t *testing.T) {
	for _, c := range []struct{ dir, imp string }{
		{"search", "nas/latency"}, {"blocks", "nas/blocks/kernels"}, {"space", "gonum.org/v1/gonum/mat"}, {"space", "nas/internal/stat"},
		{"latency", "gonum.org/v1/plot"}, {"internal/run", "gonum.org/v1/plot/vg"}, {"internal/report", "nas/internal/run"},
	} {
		if ruleOf(c.dir).judge(c.dir, c.imp) == "" {
			t.Errorf("%s may import %s, want it forbidden", c.dir, c.imp)
		}
	}
}

// isNestedModule tells whether a folder other than the root has a go.mod.
func isNestedModule(p, rel string) bool {
	_, err := os.Stat(filepath.Join(p, "go.mod"))
	return rel != "." && err == nil
}

func ruleOf(dir string) *rule {
	var best *rule
	for i, r := range rules {
		if within(dir, r.dir) && (best == nil || len(r.dir) > len(best.dir)) {
			best = &rules[i]
		}
	}
	return best
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

func (r *rule) judge(dir, imp string) string {
	if only, ok := single[prefixIn(single, imp)]; ok && !within(dir, only) {
		return "only " + only + " may"
	}
	own, isOwn := strings.CutPrefix(imp, module+"/")
	switch {
	case isOwn && slices.Contains(never[r.dir], own):
		return r.dir + " must not"
	case own == "internal/fault":
		return ""
	case isOwn && slices.Contains(tools, own) && !within(dir, "blocks") && !within(dir, "space"):
		return ""
	case isOwn && (slices.Contains(r.own, "*") || slices.Contains(r.own, own)):
		return ""
	case isOwn && (within(own, r.dir+"/internal") || own == r.dir && within(dir, r.dir+"/internal")):
		return ""
	case isOwn:
		return r.dir + " may import of this module: " + strings.Join(r.own, ", ")
	case !strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
		return "" // standard library
	case slices.Contains(r.third, "*"):
		return ""
	}
	for _, q := range r.third {
		if within(imp, q) {
			return ""
		}
	}
	return r.dir + " may import of others: " + strings.Join(r.third, ", ")
}

func prefixIn(m map[string]string, imp string) string {
	for k := range m {
		if within(imp, k) {
			return k
		}
	}
	return ""
}
