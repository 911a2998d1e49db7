package latency

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/latency/timing"
)

// slug makes a name fit for a file: lower case letters, digits and dashes.
func slug(s string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		default:
			dash = true
		}
	}
	return b.String()
}

// ErrNoCache is wrapped by the error of CachePath on a system that names no
// directory for a user's cache (no HOME).
var ErrNoCache = errors.New("no cache directory for this user (HOME is not set)")

// CachePath returns the file in the user's cache directory in which the profile
// of a device is kept.
func CachePath(d timing.Device) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fault.Errorf("latency: %w", ErrNoCache)
	}
	name := fmt.Sprintf("%s-%s-%s-t%d", slug(d.Name), slug(d.CPU), slug(d.Target.ISA), d.Threads)
	if d.Name != timing.NativeName {
		name += "-" + slug(d.Runtime)
	}
	if d.DType != "" && d.DType != "float32" {
		name += "-" + slug(d.DType)
	}
	if d.Sustained {
		name += "-sustained"
	}
	return filepath.Join(dir, "nas", "latency", name+".json"), nil
}

// Cached loads the profile of a device from the user's cache directory. The
// error wraps fs.ErrNotExist if there is none, or one that is of another device
// all the same.
func Cached(d timing.Device) (*Profile, error) {
	path, err := CachePath(d)
	if err != nil {
		return nil, err
	}
	p, err := Load(path)
	if err != nil {
		return nil, err
	}
	if err := p.Device.Match(d); err != nil {
		return nil, fault.Errorf("latency: the cached profile %s does not fit (%v): %w", path, err, os.ErrNotExist)
	}
	return p, nil
}

// Keep saves a profile in a file of the cache, and loses no other one: that of an earlier calibration moves
// beside it. A profile that other programs spoiled goes beside the earlier one, unless even says to keep it
// all the same. The note says what is where, and is "" where there was no other profile.
func (p *Profile) Keep(path string, even bool) (note string, err error) {
	earlier, err := Load(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && p.Calibration.AddedTo != "" && p.Busy() == "" {
		return "", p.Save(path)
	}
	beside := func(word string) string { return strings.TrimSuffix(path, ".json") + "-" + word + ".json" }
	if err == nil && earlier.Busy() == "" && p.Busy() != "" && !even {
		note = "the machine was busy: the cache keeps its earlier profile, the new one is in " + beside("busy")
		return note, p.Save(beside("busy"))
	}
	if err := os.Rename(path, beside("earlier")); err != nil {
		return "", fault.Errorf("latency: %w", err)
	}
	return "the earlier profile of this device is kept in " + beside("earlier"), p.Save(path)
}

// CachedBaseline returns what a device takes undisturbed, as its cached profile knows it,
// and nothing where there is none. The rest of the profile, which takes some megabytes, is
// not read.
func CachedBaseline(d timing.Device) timing.Baseline {
	var head struct {
		Device      timing.Device
		Calibration struct{ timing.Baseline }
	}
	path, err := CachePath(d)
	if err != nil {
		return timing.Baseline{}
	}
	b, err := boundedfile.Read(path, maxBytes)
	if err != nil || json.Unmarshal(b, &head) != nil || head.Device.Match(d) != nil {
		return timing.Baseline{}
	}
	return head.Calibration.Baseline
}
