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
	", or a recipe `FILE` (.toml); with :HOST behind it where the recipe reaches another device"

// errUnknown is wrapped by the error for a name that is no device's.
var errUnknown = errors.New("there is no such device")

// Runtime returns what times networks: this program's kernels ("native" or
// nothing), a shipped recipe by name, or a recipe's file, each with :HOST behind
// it if it reaches another device. threads 0 means the recipe's own number, or 1.
func Runtime(device string, threads int) (timing.Runtime, error) {
	if threads < 0 {
		return nil, fmt.Errorf("%d threads: want at least 1", threads)
	}
	if device == "" || device == "native" {
		return native.New(max(1, threads)), nil
	}
	name, host := cutHost(device)
	var text []byte
	var err error
	files := fs.FS(devices.Files)
	if slices.Contains(devices.Recipes(), name) {
		text, err = devices.Recipe(name)
	} else {
		text, err = boundedfile.Read(name, tomlfile.Small)
		files = os.DirFS(filepath.Dir(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("device %s: %w: want %s", name, errUnknown, strings.ReplaceAll(Forms, "`", ""))
		}
	}
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
	if threads > 0 {
		spec.Threads = threads
	}
	if host != "" {
		spec.Host = host
	}
	return recipe.New(spec, files)
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
	if ok && slices.Contains(devices.Recipes(), name) {
		return name, host
	}
	if i := strings.Index(device, ".toml:"); i >= 0 {
		i += len(".toml")
		return device[:i], device[i+1:]
	}
	return device, ""
}
