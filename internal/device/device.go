// Package device finds what times networks from the name that a person gives it.
package device

import (
	"cmp"
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

// inProcess are the runtimes written in Go, by the names that a person gives them. A name without -int8 is also the
// Device.Name of the runtime, which profiles hold.
var inProcess = []struct {
	name string
	make func(threads int) timing.Runtime // threads is 1 or more
}{
	{timing.NativeName, func(threads int) timing.Runtime { return native.New(threads) }},
	{timing.NativeName + integers, func(threads int) timing.Runtime { return native.New(threads).Integers() }},
}

// Names returns the names of the runtimes written in Go, and then of the shipped recipes.
func Names() []string {
	var names []string
	for _, r := range inProcess {
		names = append(names, r.name)
	}
	return append(names, devices.Recipes()...)
}

func ofIntegers(name string) bool { return strings.HasSuffix(name, integers) }

// Forms says what Runtime understands, for help texts.
var Forms = strings.Join(slices.DeleteFunc(Names(), ofIntegers), ", ") +
	", native or one of ONNX Runtime or TFLite with -int8 behind it" +
	", or a recipe `FILE` (.toml); with :HOST behind it where the recipe reaches another device"

// integers behind the name of this machine, or of a shipped recipe for files of this program, chooses networks of 8-bit
// integers.
const integers = "-int8"

// Values of Choice.DType.
const (
	float32Type = "float32"
	int8Type    = "int8"
)

// errUnknown is wrapped by the error for a name that is no device's.
var errUnknown = errors.New("there is no such device")

// Choice is what a person says of the device that times networks. The zero value is this machine with one thread and
// values of float32.
type Choice struct {
	// Device is "native" or nothing for this program's kernels, the name of a shipped recipe, or a recipe's file, with
	// :HOST behind it if it reaches another device.
	Device string
	// DType is "float32", "int8", or nothing for what the device's name or recipe says: the name of this machine, or of a
	// shipped recipe for files of this program, with -int8 behind it is that of 8-bit integers.
	DType string
	// Threads of one network; 0 means the recipe's own number, or 1.
	Threads int
}

// named returns the device's name with the data type in it, if it has one of its own.
func (c Choice) named() (string, error) {
	name, host := cutHost(cmp.Or(c.Device, timing.NativeName))
	base := strings.TrimSuffix(name, integers)
	known := slices.Contains(Names(), base)
	switch {
	case !slices.Contains([]string{"", float32Type, int8Type}, c.DType):
		return "", fmt.Errorf("data type %q: want float32 or int8", c.DType)
	case c.DType == float32Type && known && base != name:
		return "", fmt.Errorf("device %s is of int8, and float32 is asked for: want %s", name, base)
	case c.DType == int8Type && known:
		name = base + integers
	}
	if host != "" {
		name += ":" + host
	}
	return name, nil
}

// Runtime returns what times networks.
func (c Choice) Runtime() (timing.Runtime, error) {
	device, err := c.named()
	if err != nil {
		return nil, err
	}
	threads := c.Threads
	if threads < 0 {
		return nil, fmt.Errorf("%d threads: want at least 1", threads)
	}
	for _, r := range inProcess {
		if r.name == device {
			return r.make(max(1, threads)), nil
		}
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
		spec.Name, spec.DType = name, int8Type
	}
	if is := cmp.Or(spec.DType, float32Type); c.DType != "" && c.DType != is {
		return nil, fmt.Errorf("device %s: its dtype is %q, and %q is asked for: change dtype in the recipe",
			name, is, c.DType)
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
	device = cmp.Or(device, timing.NativeName)
	for _, r := range inProcess {
		if r.name == device {
			return strings.TrimSuffix(device, integers)
		}
	}
	rt, err := Choice{Device: device}.Runtime()
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
