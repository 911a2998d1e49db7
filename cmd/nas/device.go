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
var deviceForms = "native, " + strings.Join(devices.Recipes(), ", ") + ", or a recipe `FILE` (.toml)"

// runtimeOf returns what times networks: this program's kernels, a shipped
// recipe by name, or a recipe's file. threads 0 means the recipe's own number, or 1.
func runtimeOf(device string, threads int) (latency.Runtime, error) {
	if threads < 0 {
		return nil, usagef("--threads %d: want at least 1", threads)
	}
	if device == "" || device == "native" {
		return latency.NewNative(max(1, threads)), nil
	}
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
	r, err := latency.NewRecipe(spec, files)
	return r, usage(err)
}
