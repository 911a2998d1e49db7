package device

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/latency/devices"
	"nas/latency/recipe"
)

func TestShippedRecipesAreRight(t *testing.T) {
	for _, name := range devices.Recipes() {
		rt, err := Runtime(name+":somewhere", 3)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := rt.(*recipe.Recipe); !ok {
			t.Errorf("%s is a %T", name, rt)
		}
	}
	rt, err := Runtime("native", 2)
	if err != nil || rt.Device().Threads != 2 {
		t.Errorf("%+v, %v", rt, err)
	}
}

func TestCutHost(t *testing.T) {
	for _, c := range []struct{ in, recipe, host string }{
		{"nas-remote:pi@board", "nas-remote", "pi@board"},
		{"nas-remote-adb:emulator:5554", "nas-remote-adb", "emulator:5554"},
		{"my.toml:[::1]:5555", "my.toml", "[::1]:5555"},
		{`C:\my.toml`, `C:\my.toml`, ""},
		{"onnxruntime", "onnxruntime", ""},
	} {
		if recipe, host := cutHost(c.in); recipe != c.recipe || host != c.host {
			t.Errorf("%s: %q and %q", c.in, recipe, host)
		}
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		file := filepath.Join(dir, "r.toml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	_, err := Runtime("onxruntime", 0)
	if !errors.Is(err, errUnknown) || !strings.Contains(err.Error(), "onnxruntime_perf_test") {
		t.Errorf("a name that is none: %v", err)
	}
	const head, tail = "name = \"x\"\nruntime = \"x\"\n", "\npattern = '(.)'\nunit = \"ms\""
	for _, c := range []struct{ text, want string }{
		{"name = ", "line 1"},
		{"nmae = \"x\"", "unknown key nmae"},
		{`name = "x"`, "runtime: is missing"},
		{head + "format = \"tflite\"\ncommand = [\"a\", \"{model}\"]" + tail, "under convert"},
		{head + "command = [\"a\", \"{model}\", \"{modle}\"]" + tail, "{modle} stands for nothing"},
	} {
		if _, err := Runtime(write(c.text), 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}
