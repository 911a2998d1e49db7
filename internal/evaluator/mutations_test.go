package evaluator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/space"
)

// base has every key of a config, each on its own line.
const base = `name = "test"
seed = 7
[space]
input = [64, 64, 3]
classes = 10
resolution = [32, 64]
width = [0.5, 1.0]
divisor = 8
output_stride = 0
[space.stem]
channels = 16
kernel = 3
stride = 2
activation = "relu6"
scale = "always"
[[space.stage]]
block = ["mbconv", "fused", "ds"]
channels = [16, 24]
stride = 1
depth = [1, 2]
kernel = [3, 5]
expansion = [3, 6]
dilation = [1, 2]
activation = ["relu6", "hswish"]
activation_after = "both"
se = [0, 0.25]
residual = true
attention = ["se", "none"]
experts = 1
experts_in = "depthwise"
multiplier = 1
per = "block"
se_from = "expanded"
se_activation = "relu"
se_gate = "hsigmoid"
[[space.stage]]
block = "grouped"
channels = 32
groups = 8
[[space.stage]]
block = "uib"
channels = 32
kernel_before = [0, 3]
[[space.stage]]
channels = 32
choice = [{block = "skip"}, {block = "mbconv", kernel = 5}]
[space.head]
kind = "classifier"
channels = 64
hidden = 32
activation = "relu6"
scale = "up"
[latency]
device = "native"
threads = 1
profile = "auto"
budget = "30s"
[accuracy]
proxy = "macs"
seed = 3
[constraints]
max_latency = "5ms"
max_params = "5M"
max_macs = "300M"
max_activation_bytes = "1MB"
max_weight_bytes = "2MB"
bytes_per_value = 4
[search]
objectives = ["latency", "accuracy"]
algorithm = "auto"
population = 32
evaluations = 500
trials = 5000
time = "10m"
plateau = 100
timeout = "5s"
start = ["mobilenet_v2"]
[output]
dir = "results/test"
export = ["onnx"]
measure = 3
`

// strange are values of which each key refuses most.
var strange = []string{"0", "-1", "1.5", "2.0", "1e99", "nan", "-inf", "99999999", "9223372036854775807",
	"-9223372036854775808", `""`, `"x"`, `"\u001b[31m"`, `"a/b"`, "true", "[]", "[[]]", "{}", "{a = 1}", `["x"]`, "[-1]",
	"[0, 0]", "2026-11-30", "[1, 2, 3, 4]"}

// path is a key of a line, as messages name it.
var lineKey = regexp.MustCompile(`^[a-z_0-9]+ = `)

// cure is what each message says one of.
var cure = regexp.MustCompile(`want |did you mean |there is no |no such key|give |use a|keep one|lacks |too many|` +
	`cut off|no closing|such as|is missing before`)

// judge decodes a text and returns what is wrong with the answer. at is the line that was changed, 0 for
// none: then any line may be named.
func judge(text string, at int) error {
	c, err := config.Decode("test.toml", []byte(text), Check)
	var bad *config.Error
	switch {
	case err == nil:
		return works(c)
	case !errors.As(err, &bad):
		return fmt.Errorf("not an error of a config: %w", err)
	case strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' }):
		return fmt.Errorf("control characters: %q", err)
	case at > 0 && len(bad.Problems) != 1 && !entries(bad.Problems):
		return fmt.Errorf("%d messages about one mistake:\n%w", len(bad.Problems), err)
	}
	for _, p := range bad.Problems {
		switch {
		case at > 0 && p.Line != at && !strings.Contains(p.Want, "a divisor of"), // of what was changed
			p.Line == 0 && !strings.Contains(p.Want, "is missing"):
			return fmt.Errorf("line %d is named:\n%w", p.Line, err)
		case !cure.MatchString(p.Want):
			return fmt.Errorf("no cure:\n%w", err)
		case len(p.Want) > 600 || strings.Contains(p.Want, "<nil>") || strings.Contains(p.Want, "map["):
			return fmt.Errorf("unclear:\n%w", err)
		}
	}
	return nil
}

// entries reports whether all problems are with entries of one list.
func entries(ps []config.Problem) bool {
	list := func(p config.Problem) string { return p.Key[:max(0, strings.LastIndexByte(p.Key, '['))] }
	return !slices.ContainsFunc(ps, func(p config.Problem) bool { return list(p) == "" || list(p) != list(ps[0]) })
}

// works returns an error unless networks of a config can be built and the resolved config is the same.
func works(c *config.Config) error {
	text, err := c.Encode()
	if err != nil {
		return err
	}
	again, err := config.Decode("test.toml", text)
	if err != nil {
		return fmt.Errorf("the resolved config: %w", err)
	}
	if !reflect.DeepEqual(c.Space, again.Space) || c.Search.Evaluations != again.Search.Evaluations {
		return fmt.Errorf("the resolved config is another one:\n%s", text)
	}
	sp, err := space.New(c.Space)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2 {
		if _, err := sp.Arch(sp.Sample(r)).Network(); err != nil {
			return fmt.Errorf("accepted, and no network can be built: %w", err)
		}
	}
	return nil
}

// Whatever value a key has: it works, or one message names its line and a cure.
func TestMutatedValues(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := judge(base, 0); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(base, "\n")
	tried := 0
	for i, line := range lines {
		key := lineKey.FindString(line)
		if key == "" {
			continue
		}
		for _, v := range strange {
			text := strings.Join(lines[:i], "") + key + v + "\n" + strings.Join(lines[i+1:], "")
			if err := judge(text, i+1); err != nil {
				t.Errorf("line %d: %s%s: %v", i+1, key, v, err)
			}
			tried++
		}
	}
	if tried < 400 {
		t.Errorf("%d mutations, want 400 or more", tried)
	}
}

// Whatever a key is called: one message says what was meant.
func TestMutatedKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	lines := strings.SplitAfter(base, "\n")
	for i, line := range lines {
		key := strings.TrimSuffix(lineKey.FindString(line), " = ")
		if len(key) < 4 {
			continue
		}
		for _, wrong := range []string{key[:2] + key[3:], key[:1] + key[2:3] + key[1:2] + key[3:], key + "s", "_" + key,
			strings.ToUpper(key), strings.ReplaceAll(key, "_", "-") + "_"} {
			if wrong == key {
				continue
			}
			text := strings.Join(lines[:i], "") + wrong + line[len(key):] + strings.Join(lines[i+1:], "")
			_, err := config.Decode("test.toml", []byte(text), Check)
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("test.toml:%d: ", i+1)) ||
				!strings.Contains(err.Error(), "did you mean "+key+"?") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s for %s: %v", wrong, key, err)
			}
		}
	}
}

// Whatever happens to the text of a file: lines that are missing, doubled or exchanged, a file that is cut
// off, characters that are changed.
func TestMutatedText(t *testing.T) {
	t.Chdir(t.TempDir())
	lines := strings.SplitAfter(base, "\n")
	r := rand.New(rand.NewPCG(1, 2))
	try := func(what, text string) {
		if err := judge(text, 0); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range lines {
		at := fmt.Sprintf("line %d", i+1)
		head, tail := strings.Join(lines[:i], ""), strings.Join(lines[min(i+1, len(lines)):], "")
		try(at+" is missing", head+tail)
		try(at+" is doubled", head+lines[i]+lines[i]+tail)
		if i > 0 {
			try("cut behind "+at, head)
			try(at+" is cut in two", head+lines[i][:len(lines[i])/2]+"\n"+tail)
		}
	}
	for range 200 {
		b := []byte(base)
		at := r.IntN(len(b))
		b[at] = "\"'[]{}=.,#\n\x00\xff -_a0"[r.IntN(18)]
		try(fmt.Sprintf("byte %d is %q", at, b[at]), string(b))
	}
}
