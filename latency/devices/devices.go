// Package devices holds the recipes and profiles that come with the program: how
// to time networks with other people's runtimes, and what others have measured.
package devices

import (
	"embed"
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Files holds the recipes (NAME.toml), the programs that they start, below drivers, and the tables.
//
//go:embed *.toml *.csv *.json drivers
var Files embed.FS

// Recipe returns the text of a shipped recipe.
func Recipe(name string) ([]byte, error) { return Files.ReadFile(name + ".toml") }

// Recipes lists the names of the shipped recipes.
func Recipes() []string {
	var names []string
	fs.WalkDir(Files, ".", func(path string, _ fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, ".toml"); ok && err == nil {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names
}

// Profiles lists the names of the latency profiles that come with the program, which latency.Load makes.
func Profiles() []string {
	b, err := Files.ReadFile("phones_fit.json")
	var fit struct {
		LeftOut map[string]json.RawMessage `json:"left_out"`
	}
	if err == nil {
		err = json.Unmarshal(b, &fit)
	}
	if err != nil {
		panic("devices: phones_fit.json: " + err.Error()) // it is part of the program
	}
	return append(slices.Sorted(maps.Keys(fit.LeftOut)), "pixel3-fbnet", "raspi4-fbnet")
}
