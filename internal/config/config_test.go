package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const small = `
[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = 16
`

func decode(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Decode("a/b.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := decode(t, small)
	if c.Name != "b" || c.Seed != 1 || c.Output.Dir != "results/b" || c.Latency.Device != "native" ||
		c.Latency.Profile[""] != "auto" {
		t.Errorf("defaults are %+v", c)
	}
}

func TestValues(t *testing.T) {
	c := decode(t, `name = "x"
[latency]
profile = { pixel7 = "p7.json", here = "auto" }
budget = "90s"
[constraints]
max_latency = { pixel7 = "25ms", here = "1.2 mobilenet_v2@width=0.75" }
max_params = "5M"
max_activation_bytes = "320 kB"
max_macs = 3e8
[search]
objectives = ["latency@pixel7", "latency@here", "accuracy"]
`+small)
	want := Constraints{
		MaxLatency:         Named[Limit]{"pixel7": {Value: 25}, "here": {Factor: 1.2, Of: "mobilenet_v2@width=0.75"}},
		MaxParams:          &Limit{Value: 5e6},
		MaxActivationBytes: &Limit{Value: 320e3},
		MaxMACs:            &Limit{Value: 3e8},
		BytesPerValue:      4,
	}
	if !reflect.DeepEqual(c.Constraints, want) {
		t.Errorf("constraints are %+v, want %+v", c.Constraints, want)
	}
	if time.Duration(c.Latency.Budget) != 90*time.Second {
		t.Errorf("budget is %v", c.Latency.Budget)
	}
}

// Each text has mistakes; want names what each line of the message must hold.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"three at once", `name = "x"
[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = 16
[[space.stage]]
channels = 24
kernle = 3
kernel = [3, "five"]
[search]
population = 2
`, []string{
			"b.toml:9: space.stage[2].kernle: unknown key, did you mean kernel?",
			`b.toml:10: space.stage[2].kernel[2] = "five": want a whole number from 1 to 31, or [height, width]`,
			"b.toml:12: search.population = 2: want 4 to 100000",
		}},
		{"impossible values of the space", `[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = 16
kernel = [3,
  40]
`, []string{"b.toml:7: space.stage[1].kernel[2] = 40:"}},
		{"zeros that stand for a default", `[space]
input = []
classes = 0
divisor = 0
[[space.stage]]
channels = []
[search]
trials = 0
`, []string{
			"b.toml:2: space.input = []: want height, width and channels", "b.toml:3: space.classes = 0: want the number",
			"b.toml:4: space.divisor = 0: want a number above 0, or no such line, which means 8",
			"b.toml:6: space.stage[1].channels = []: want output channels",
			"b.toml:8: search.trials = 0: want a number above 0, or no such line, which means 20 x evaluations"}},
		{"missing", `[[space.stage]]
channels = 16
`, []string{"space.input", "space.classes"}},
		{"unknown objective", small + `[search]
objectives = ["latency@phone", "speed"]
`, []string{"b.toml:8: search.objectives[1]", "b.toml:8: search.objectives[2]"}},
		{"limit", small + "[constraints]\nmax_params = \"many\"\n",
			[]string{`b.toml:8: constraints.max_params = "many": want a number above 0`}},
		{"limits in other units", small + "[constraints]\nmax_params = \"25ms\"\nmax_latency = \"5M\"\n" +
			"max_weight_bytes = \"1.2 mobilenet_v2\"\nmax_macs = \"1MB\"\n", []string{
			`b.toml:8: constraints.max_params = "25ms": want a number such as`,
			`b.toml:9: constraints.max_latency = "5M": want a time such as`,
			`b.toml:11: constraints.max_macs = "1MB": want a number such as`}},
		{"a limit for another device", small + "[constraints]\nmax_latency = {pixel4 = \"25ms\"}\n" +
			"[search]\nobjectives = [\"latency\", \"accuracy\"]\n", []string{
			`b.toml:10: search.objectives[1] = "latency": want latency@pixel4: there are several profiles`}},
		{"a limit for no device", small + "[constraints]\nmax_latency = {nobody = \"25ms\"}\n",
			[]string{`b.toml:8: constraints.max_latency.nobody = "25ms": want`}},
		{"paths for a shell", small + "[accuracy]\nevaluator = \"~/a.toml\"\ndata = \"$HOME/b\"\n[output]\ndir = \"~/x\"\n",
			[]string{
				`b.toml:8: accuracy.evaluator = "~/a.toml": want the path written out`,
				`b.toml:9: accuracy.data = "$HOME/b": want the path written out`,
				`b.toml:11: output.dir = "~/x": want the path written out`}},
		{"a date", small + "[search]\npopulation = 2024-01-01\n",
			[]string{"b.toml:8: search.population = a date: want a whole number"}},
		{"one bracket", small + "[space.stage]\nchannels = 8\n",
			[]string{"b.toml:7: space.stage: [space.stage] beside [[space.stage]]: want [[space.stage]] in every place"}},
		{"one bracket and a table in it", "[space.stage.x]\nchannels = 8\n" + small,
			[]string{"[space.stage.x] beside [[space.stage]]: want [[space.stage]] in every place"}},
		{"syntax", "name = \n", []string{"b.toml:1:"}},
		{"wrong table", "space = 3\n", []string{"b.toml:1: space = 3: want a table"}},
	} {
		_, err := Decode("b.toml", []byte(c.text))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v, want a *config.Error", c.name, err)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.want) {
			t.Errorf("%s: %d problems, want %d:\n%v", c.name, len(lines), len(c.want), err)
			continue
		}
		for i, w := range c.want {
			if !strings.Contains(lines[i], w) {
				t.Errorf("%s: line %d is\n%s\nwant\n%s", c.name, i, lines[i], w)
			}
		}
	}
}

func TestPlace(t *testing.T) {
	c, err := Decode("b.toml", []byte(small+"[latency]\nthreads = 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	for message, want := range map[string]string{
		"latency.threads = 1: no":        "b.toml:8: latency.threads = 1: no",
		"space.stage[1].channels: no":    "b.toml:6: space.stage[1].channels: no",
		"latency.profile: there is none": "b.toml:7: latency.profile: there is none",
		"search.start[2] = \"x\": no":    "b.toml: search.start[2] = \"x\": no",
		"the latency.profile":            "the latency.profile",
	} {
		if got := c.Place(message); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The caller's checks report in the same breath, with lines.
func TestChecks(t *testing.T) {
	_, err := Decode("b.toml", []byte(small+`[search]
population = 1
start = ["mobilenet_v2",
  "mobilenet_v9"]
`), func(c *Config, report func(key, value, want string)) {
		for i, name := range c.Search.Start {
			if name == "mobilenet_v9" {
				report(fmt.Sprintf("search.start[%d]", i+1), name, "want a network of the zoo")
			}
		}
	})
	want := "b.toml:8: search.population = 1: want 4 to 100000\n" +
		"b.toml:10: search.start[2] = mobilenet_v9: want a network of the zoo"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
}

// Every shipped config loads, and the resolved form is a fixed point.
func TestShippedConfigs(t *testing.T) {
	files, _ := filepath.Glob("../../configs/*.toml")
	if len(files) < 2 {
		t.Fatalf("found %v", files)
	}
	for _, f := range files {
		c, err := Load(f)
		if err != nil {
			t.Error(err)
			continue
		}
		text, err := c.Encode()
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := Decode(f, text)
		if err != nil {
			t.Errorf("%s: the resolved config does not load: %v\n%s", f, err, text)
			continue
		}
		again.lines = c.lines
		if !reflect.DeepEqual(c, again) {
			t.Errorf("%s: the resolved config is another one:\n%+v\n%+v", f, c, again)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"mobile", "smoke"} {
		data, err := os.ReadFile("../../configs/" + name + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
		f.Add(strings.Replace(string(data), `"500k"`, `"50"`, 1)) // warned
	}
	f.Add("[[space.stage]]\nchoice = [{block = \"skip\"}, {kernel = 5}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Decode("f.toml", []byte(text))
		var e *Error
		switch {
		case err == nil:
			out, err := c.Encode()
			if err != nil {
				t.Fatalf("accepted, but cannot be written: %v", err)
			}
			again, err := Decode("f.toml", out)
			if err == nil {
				// A warning keeps the line of its own text.
				for _, w := range [][]Problem{c.warnings, again.warnings} {
					for i := range w {
						w[i].Line = 0
					}
				}
			}
			if again != nil {
				again.lines = c.lines
			}
			if err != nil || !reflect.DeepEqual(c, again) {
				t.Errorf("the resolved config is another one: %v\n%+v\n%+v\n%s", err, c, again, out)
			}
		case !errors.As(err, &e) || len(e.Problems) == 0:
			t.Errorf("error is %v, want problems", err)
		}
	})
}

// TestZerosAreLeftOut: a config that a program made, with zeros for what it does not say, can be written and read.
func TestZerosAreLeftOut(t *testing.T) {
	c, err := Load("../../configs/smoke.toml")
	if err != nil {
		t.Fatal(err)
	}
	c.Space.Divisor, c.Search.Trials = 0, 0
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if c, err = Decode("made.toml", text); err != nil {
		t.Fatal(err)
	}
	if c.Space.Divisor != 8 || c.Search.Trials == 0 {
		t.Errorf("divisor %d and trials %d, want the defaults", c.Space.Divisor, c.Search.Trials)
	}
}
