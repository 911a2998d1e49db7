package latency

import (
	"regexp"
	"runtime/debug"
)

var release = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// releaseVersion is the program's version if it is a release. Builds between
// releases share their profiles: their kernels are nearly always the same.
func releaseVersion() string {
	if v := programVersion(); release.MatchString(v) {
		return v
	}
	return ""
}

// programVersion is the main module's version, or the revision it was built
// from; empty for a test binary.
func programVersion() string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	if v := bi.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	rev, dirty := "", ""
	for _, s := range bi.Settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+dirty"
			}
		}
	}
	return rev + dirty
}
