package main

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"nas/latency"
	"nas/latency/devices"
	"nas/latency/recipe"
)

func newDevices(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "device",
		Short: "List the latency profiles and recipes that are there",
		Long: `Device lists the latency profiles that come with the program, those that
nas calibrate and nas run left in the cache, and the recipes of other runtimes.`,
		Example: `  nas device list`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List profiles and recipes, for which networks they are right, and their error",
		Long: `List shows the profiles that come with the program, the cached ones, and the recipes.
The name of a shipped profile stands wherever a profile's file may: --profile pixel4,
or [latency] profile = "pixel4" in a config, or objectives = ["latency@pixel4", "accuracy"].

The error of a shipped profile is the mean over networks whose whole family had been
left out of the fit; that of a cached profile is the mean over held-out networks of the
space that it was calibrated for.`,
		Example: `  nas device list
  nas device list --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			views, err := listedDevices()
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(map[string]any{"devices": views})
			}
			t := table{head: []string{"name", "kind", "of", "dtype", "threads", "error %", "right for"}}
			for _, v := range views {
				e := "-"
				if v.Error > 0 {
					e = fmt.Sprintf("%.1f", v.Error)
				}
				t.add(v.Name, v.Kind, v.Runtime+" on "+cmp.Or(v.CPU, "any"), v.DType, v.Threads, e, v.Networks)
			}
			t.write(a.stdout)
			a.printf("\nerror: shipped, on families that were left out; cached, on held-out networks of its space\n")
			return nil
		},
	}
	a.jsonFlag(list)
	cmd.AddCommand(list)
	return cmd
}

// listedDevice is a row of nas device list. Error is in per cent, 0 where it is not known.
type listedDevice struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"` // shipped, cached, recipe
	Runtime  string  `json:"runtime"`
	CPU      string  `json:"cpu,omitempty"`
	DType    string  `json:"dtype"`
	Threads  int     `json:"threads"`
	Networks string  `json:"networks"`
	Error    float64 `json:"left_out_error_pct,omitempty"`
	Source   string  `json:"source,omitempty"`
}

// listedDevices returns the shipped profiles, the cached ones, and the recipes.
func listedDevices() ([]listedDevice, error) {
	shipped, err := latency.Shipped()
	if err != nil {
		return nil, err
	}
	var out []listedDevice
	for _, s := range shipped {
		d := &s.Device
		out = append(out, listedDevice{s.Name, "shipped", d.Runtime, d.CPU, d.DType, d.Threads, s.Networks,
			math.Round(100*s.LeftOutErrorPct) / 100, s.Source})
	}
	for _, c := range cachedProfiles() {
		d := c.device
		networks := "networks like those of its space"
		if c.Heat != "" {
			networks += "; hot: " + c.Heat
		}
		out = append(out, listedDevice{filepath.ToSlash(c.Path), "cached", d.Runtime, d.CPU, d.DType, d.Threads,
			networks, c.MAPEPct, ""})
	}
	for _, name := range devices.Recipes() {
		text, err := devices.Recipe(name)
		if err != nil {
			return nil, err
		}
		var r recipe.Spec
		if _, err := toml.Decode(string(text), &r); err != nil {
			return nil, fmt.Errorf("the recipe %s: %w", name, err)
		}
		out = append(out, listedDevice{name, "recipe", r.Runtime, r.CPU, cmp.Or(r.DType, "float32"), max(1, r.Threads),
			"what nas calibrate --device " + name + " measures", 0, ""})
	}
	return out, nil
}
