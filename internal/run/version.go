package run

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"nas/blocks/engine"
)

// version is set by the linker of a release.
var version = ""

// Version returns the program's version: a release's number, or the commit it was
// built from, or "devel".
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}

// numericClass names what the bytes of a run depend on besides its config and
// profile.
func numericClass() string {
	return fmt.Sprintf("%s %s %s", Version(), runtime.GOARCH, engine.Host(1).ISA)
}
