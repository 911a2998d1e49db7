// Package device finds what times networks from the name that a person gives it.
package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nas/internal/boundedfile"
	"nas/internal/tomlfile"
	"nas/latency/devices"
	"nas/latency/native"
	"nas/latency/recipe"
	"nas/latency/timing"
)

// Forms says what Runtime understands, for help texts.
var Forms = "native, " + strings.Join(devices.Recipes(), ", ") +
	", one of ONNX Runtime or TFLite with -int8 behind it" +
	", or a recipe `FILE` (.toml); with :HOST behind it where the recipe reaches another device"

// integers behind the name of a shipped recipe that wants files of this program chooses those of 8-bit integers.
const integers = "-int8"

// errUnknown is wrapped by the error for a name that is no device's.
var errUnknown = errors.New("there is no such device")

// Runtime returns what times networks: this program's kernels ("native" or
// nothing), a shipped recipe by name, or a recipe's file, each with :HOST behind
// it if it reaches another device. A shipped recipe for files that this program
// quantises times those of 8-bit integers under its name with -int8 behind it. threads
// 0 means the recipe's own number, or 1.
func Runtime(device string, threads int) (timing.Runtime, error) {
	if threads < 0 {
		return nil, fmt.Errorf("%d threads: want at least 1", threads)
	}
	if device == "" || device == "native" {
		return native.New(max(1, threads)), nil
	}
	name, host := cutHost(device)
	text, files, err := textOf(name)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", name, err)
	}
	var spec recipe.Spec
	unknown, err := tomlfile.Decode(text, &spec, tomlfile.Small)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w: want a recipe, as docs/devices.md describes it", name, err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, fmt.Errorf("device %s: the file is empty: want a recipe, as docs/devices.md describes it", name)
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("device %s: line %d: unknown key %.80s: want the keys that docs/devices.md lists", name,
			tomlfile.LinesOf(text).Of(unknown[0]), unknown[0])
	}
	if spec.Name+integers == name {
		if spec.Units == "plan" || spec.Format != "tflite" && len(spec.Convert) > 0 {
			return nil, fmt.Errorf(
				"device %s: the recipe %s has no form of 8-bit integers: want it without %s",
				name,
				spec.Name,
				integers,
			)
		}
		spec.Name, spec.DType = name, "int8"
	}
	if threads > 0 {
		if threads != max(1, spec.Threads) && !takes(&spec, "{threads}") {
			return nil, fmt.Errorf("device %s: %d threads: its command takes no {threads}: want %d", name, threads,
				max(1, spec.Threads))
		}
		spec.Threads = threads
	}
	if host != "" {
		spec.Host = host
	}
	return recipe.New(spec, files)
}

// shipped returns the name of the shipped recipe that a name is of.
func shipped(name string) (string, bool) {
	base := strings.TrimSuffix(name, integers)
	return base, slices.Contains(devices.Recipes(), base)
}

// textOf returns the text of a recipe, and where the files that it names are: beside it, or shipped.
func textOf(name string) ([]byte, fs.FS, error) {
	if base, ok := shipped(name); ok {
		text, err := devices.Recipe(base)
		return text, devices.Files, err
	}
	text, err := boundedfile.Read(name, tomlfile.Small)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: want %s", errUnknown, strings.ReplaceAll(Forms, "`", ""))
	}
	return text, beside{os.DirFS(filepath.Dir(name))}, err
}

// takes tells whether the command of a recipe has a placeholder.
func takes(s *recipe.Spec, placeholder string) bool {
	return slices.ContainsFunc(s.Command, func(a string) bool { return strings.Contains(a, placeholder) })
}

// beside is the folder of a recipe. What is not there may be a shipped file, so that a copy of a shipped recipe works.
type beside struct{ folder fs.FS }

func (b beside) Open(name string) (fs.File, error) {
	f, err := b.folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if shipped, err := devices.Files.Open(name); err == nil {
			return shipped, nil
		}
	}
	return f, err
}

// Name is the name that profiles of a device hold, without asking the device; "" for a recipe that cannot be read.
func Name(device string) string {
	if device == "" || device == "native" {
		return "native"
	}
	rt, err := Runtime(device, 0)
	if r, ok := rt.(*recipe.Recipe); err == nil && ok {
		return r.Name()
	}
	return ""
}

// cutHost splits RECIPE:HOST. A host may hold colons, as serials of adb do, and a
// file's name a drive letter.
func cutHost(device string) (recipe, host string) {
	name, host, ok := strings.Cut(device, ":")
	if _, known := shipped(name); ok && known {
		return name, host
	}
	if i := strings.Index(device, ".toml:"); i >= 0 {
		i += len(".toml")
		return device[:i], device[i+1:]
	}
	return device, ""
}
