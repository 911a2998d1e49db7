// Package buildinfo knows which version of the program is running.
package buildinfo

import (
	"regexp"
	"runtime/debug"
	"sync"
)

// version is set by the linker of a release: see internal/release.
var version string

var released = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// Version returns the program's version: a release's number, or "devel-" and the
// commit that it was built from ("+changes" if the tree had any), or "devel".
func Version() string { return current() }

// current is read once: a fleet compares it with every outcome.
var current = sync.OnceValue(func() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if IsRelease(info.Main.Version) { // go install nas/cmd/nas@v1.2.3
		return info.Main.Version
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
})

// IsRelease tells a release's number, such as v1.2.3, from other versions and from
// those of candidates, such as v1.2.3-rc1.
func IsRelease(version string) bool { return released.MatchString(version) }

// Release returns Version if it is that of a release, and else "".
func Release() string {
	if v := Version(); IsRelease(v) {
		return v
	}
	return ""
}
