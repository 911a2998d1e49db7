package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"nas/latency"
	"nas/latency/devices"
)

// deviceForms says what --device understands.
var deviceForms = "native, " + strings.Join(devices.Recipes(), ", ") + ", or a recipe `FILE` (.toml); with :HOST behind it where the recipe reaches another device"

// runtimeOf returns what times networks: this program's kernels, a shipped
// recipe by name, or a recipe's file. threads 0 means the recipe's own number, or 1.
func runtimeOf(device string, threads int) (latency.Runtime, error) {
	if threads < 0 {
		return nil, usagef("--threads %d: want at least 1", threads)
	}
	if device == "" || device == "native" {
		return latency.NewNative(max(1, threads)), nil
	}
	device, host := cutHost(device)
	var text []byte
	var err error
	files := fs.FS(devices.Files)
	if slices.Contains(devices.Recipes(), device) {
		text, err = devices.Recipe(device)
	} else {
		text, err = os.ReadFile(device)
		files = os.DirFS(filepath.Dir(device))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("--device %s: want %s", device, strings.ReplaceAll(deviceForms, "`", ""))
		}
	}
	if err != nil {
		return nil, usage(err)
	}
	var spec latency.RecipeSpec
	meta, err := toml.Decode(string(text), &spec)
	if err != nil {
		return nil, usagef("--device %s: %w", device, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, usagef("--device %s: unknown key %s", device, unknown[0])
	}
	if threads > 0 {
		spec.Threads = threads
	}
	if host != "" {
		spec.Host = host
	}
	r, err := latency.NewRecipe(spec, files)
	return r, usage(err)
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
