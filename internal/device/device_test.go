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
		rt, err := Choice{Device: name + ":somewhere"}.Runtime()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := rt.(*recipe.Recipe); !ok {
			t.Errorf("%s is a %T", name, rt)
		}
	}
	if rt, err := (Choice{Device: "onnxruntime", Threads: 3}).Runtime(); err != nil || rt.Device().Threads != 3 {
		t.Errorf("three threads of ONNX Runtime: %+v, %v", rt, err)
	}
	_, err := Choice{Device: "litert-wasm", Threads: 2}.Runtime()
	if err == nil || !strings.Contains(err.Error(), "takes no {threads}") {
		t.Errorf("two threads of a command that has one: %v", err)
	}
	rt, err := Choice{Device: "native", Threads: 2}.Runtime()
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
		{"tflite-adb-int8:0A1B", "tflite-adb-int8", "0A1B"},
	} {
		if recipe, host := cutHost(c.in); recipe != c.recipe || host != c.host {
			t.Errorf("%s: %q and %q", c.in, recipe, host)
		}
	}
}

// TestIntegers chooses the files of 8-bit integers by name.
func TestIntegers(t *testing.T) {
	rt, err := Choice{Device: "tflite-int8"}.Runtime()
	if err != nil {
		t.Fatal(err)
	}
	if d := rt.Device(); d.Name != "tflite-int8" || d.DType != "int8" || !strings.HasSuffix(d.String(), ", int8") {
		t.Errorf("tflite-int8 is %+v", d)
	}
	rt, err = Choice{Device: "onnxruntime-int8"}.Runtime()
	if err != nil || rt.Device().DType != "int8" {
		t.Errorf("integers of a recipe for ONNX: %v", err)
	}
	_, err = Choice{Device: "nas-remote-int8:board"}.Runtime()
	if err == nil || !strings.Contains(err.Error(), "no form of 8-bit integers") {
		t.Errorf("integers of a recipe for kernels of this program: %v", err)
	}
}

// TestCopies takes copies of the shipped recipes, whose files stay shipped.
func TestCopies(t *testing.T) {
	for _, name := range devices.Recipes() {
		text, err := devices.Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "copy.toml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (Choice{Device: file + ":somewhere"}).Runtime(); err != nil {
			t.Errorf("a copy of %s: %v", name, err)
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
	_, err := Choice{Device: "onxruntime"}.Runtime()
	if !errors.Is(err, errUnknown) || !strings.Contains(err.Error(), "onnxruntime_perf_test") {
		t.Errorf("a name that is none: %v", err)
	}
	const head, tail = "name = \"x\"\nruntime = \"x\"\n", "\npattern = '(.)'\nunit = \"ms\""
	for _, c := range []struct{ text, want string }{
		{"name = ", "line 1"},
		{"nmae = \"x\"", "unknown key nmae"},
		{`name = "x"`, "runtime: is missing"},
		{head + "command = [\"a\", \"{model}\", \"{modle}\"]" + tail, "{modle} stands for nothing"},
	} {
		if _, err := (Choice{Device: write(c.text)}).Runtime(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}

// TestInProcess: a profile is found by the name of the runtime that made it.
func TestInProcess(t *testing.T) {
	for _, r := range inProcess {
		rt, err := Choice{Device: r.name}.Runtime()
		if err != nil {
			t.Fatal(err)
		}
		d := rt.Device()
		if want := Name(r.name); d.Name != want || d.Threads != 1 {
			t.Errorf("the device of %s is %q with %d threads, want %q with 1", r.name, d.Name, d.Threads, want)
		}
		if is := strings.HasSuffix(r.name, integers); is != (d.DType == int8Type) {
			t.Errorf("the device of %s is of %s", r.name, d.DType)
		}
	}
}
