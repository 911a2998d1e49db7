package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"nas/blocks/engine"
	"nas/internal/buildinfo"
)

func newVersion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show version, Go version, platform and instruction set",
		Long: `Version prints what the bytes of a run depend on besides its config and latency
profile: the program's version, the platform and the kernels in use.`,
		Example: `  nas version`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.printVersion() },
	}
	a.jsonFlag(cmd)
	return cmd
}

// printVersion is nas version, and nas --version.
func (a *app) printVersion() error {
	v := map[string]string{
		"version": buildinfo.Version(), "go": runtime.Version(),
		"os": runtime.GOOS, "arch": runtime.GOARCH, "isa": engine.Host(1).ISA,
	}
	if a.json {
		return a.writeJSON(v)
	}
	a.printf("nas %s (%s, %s/%s, kernels %s)\n", v["version"], v["go"], v["os"], v["arch"], v["isa"])
	return nil
}
