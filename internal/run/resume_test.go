package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/latency"
)

// quickConfig is a config whose run takes no time: the score is the depth, the profile comes with the
// program, and nothing is measured.
const quickConfig = `[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = [24, 32]
stride = 2
depth = [1, 2]
kernel = [3, 5]
expansion = [3, 6]
[latency]
profile = "raspi4-fbnet"
[accuracy]
proxy = "depth"
[search]
evaluations = 16
population = 8
[output]
measure = 0
export = ["toml"]
`

// quick is quickConfig with other text in place of old, for a run in dir.
func quick(t *testing.T, dir string, oldnew ...string) *config.Config {
	t.Helper()
	text := strings.NewReplacer(oldnew...).Replace(quickConfig)
	set := func(c *config.Config, _ func(key, value, want string)) { c.Output.Dir = dir } // as the flag --out does
	c, err := config.Decode("test.toml", []byte(text), set, evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestResumeWithAnotherProfile: a run is resumed with the profile that it began with, whatever its file is
// called, and refused with another, by the line that differs.
func TestResumeWithAnotherProfile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, t.Context(), Options{Config: quick(t, dir)})
	stored := filepath.ToSlash(filepath.Join(dir, "profile.json"))
	changed := filepath.ToSlash(filepath.Join(t.TempDir(), "changed.json"))
	p, err := latency.Load("pixel3-fbnet")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Save(changed); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{`"raspi4-fbnet"`, `"` + stored + `"`, ""},
		{"evaluations = 16", "evaluations = 24", ""},
		{`"raspi4-fbnet"`, `"pixel3-fbnet"`, `was profile = "raspi4-fbnet", is profile = "pixel3-fbnet"`},
		{`"raspi4-fbnet"`, `"` + changed + `"`, `was profile = "raspi4-fbnet", is profile = "` + changed + `"`},
		{`"raspi4-fbnet"`, `"auto"`, `was profile = "raspi4-fbnet", is profile = "auto"`},
		{`"raspi4-fbnet"`, `"nowhere.json"`, "nowhere.json"},
		{"[accuracy]", "device = \"onnxruntime\"\n[accuracy]", `was device = "native", is device = "onnxruntime"`},
		{"[accuracy]", "threads = 2\n[accuracy]", "was threads = 1, is threads = 2"},
	} {
		config := quick(t, dir)
		if c.old != "" {
			config = quick(t, dir, c.old, c.new)
		}
		_, err := Run(t.Context(), Options{Config: config, Resume: true})
		wantUsage(t, c.new, err, c.want)
	}
}

// TestResumeWithAChangedProfile: a profile's file that has other contents by now is another profile.
func TestResumeWithAChangedProfile(t *testing.T) {
	file := filepath.ToSlash(filepath.Join(t.TempDir(), "p.json"))
	dir := filepath.Join(t.TempDir(), "run")
	for _, step := range []struct{ profile, want string }{
		{"raspi4-fbnet", ""}, {"pixel3-fbnet", "has changed since the run"}, {"", ""},
	} {
		os.Remove(file)
		if step.profile != "" {
			p, err := latency.Load(step.profile)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Save(file); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Run(t.Context(), Options{Config: quick(t, dir, "raspi4-fbnet", file), Resume: true})
		wantUsage(t, step.profile, err, step.want)
	}
}

// TestNetworksOfRuns: search.start and relative limits take a trial of a run and a file.
func TestNetworksOfRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, t.Context(), Options{Config: quick(t, dir)})
	trial, file := filepath.ToSlash(dir)+":0", filepath.ToSlash(out.Exported[0])
	for _, text := range []string{trial, file} {
		c := quick(t, filepath.Join(t.TempDir(), "run"),
			"[search]", "[constraints]\nmax_params = \"1.5 "+text+"\"\n[search]\nstart = [\""+text+"\"]")
		mustRun(t, t.Context(), Options{Config: c})
	}
	_, err := config.Decode("x.toml", []byte(strings.Replace(quickConfig, "[search]",
		"[constraints]\nmax_params = \"1.5 "+dir+":99\"\n[search]\nstart = [\"nowhere.onnx\"]", 1)), evaluator.Check)
	for _, want := range []string{"holds no trial 99", "nowhere.onnx"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want it to say %q", err, want)
		}
	}
}

// wantUsage wants no error, or one of wrong use that holds a text.
func wantUsage(t *testing.T, what string, err error, want string) {
	t.Helper()
	var usage *config.UsageError
	switch {
	case want == "" && err != nil, want != "" && err == nil:
		t.Errorf("%s: error is %v, want %q", what, err, want)
	case want != "" && (!strings.Contains(err.Error(), want) || !errors.As(err, &usage)):
		t.Errorf("%s: error is %v, want wrong use with %q", what, err, want)
	}
}
