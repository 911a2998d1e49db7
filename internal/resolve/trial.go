package resolve

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// A Trial is what the files of a network say about the trial of a run that it is.
type Trial struct {
	Run          string // its name; "" if unknown
	ID           int
	ArchID, Arch string
	Latency      runstore.Value // in ms; Mid is NaN where it is not known
	Device       string         // whose latency
}

// Network builds the network of a trial. Its name and its metadata say which trial it is.
func (t *Trial) Network() (*blocks.Network, error) {
	n, err := NetworkOf(t.Arch)
	if err != nil {
		return nil, err
	}
	if t.Run != "" {
		n.Name = fmt.Sprintf("%s_%d", t.Run, t.ID)
	}
	n.Meta = map[string]string{"arch": t.Arch, "arch_id": t.ArchID, "trial": strconv.Itoa(t.ID)}
	if l := t.Latency; !math.IsNaN(l.Mid) {
		n.Meta["latency_device"] = t.Device
		n.Meta["predicted_latency_ms"] = fmt.Sprintf("%.4g", l.Mid)
		if l.High > 0 {
			n.Meta["predicted_latency_ms"] += fmt.Sprintf(" (90 %%: %.4g to %.4g)", l.Low, l.High)
		}
	}
	return n, nil
}

// cutTrial splits DIR:TRIAL. Names of the zoo hold no colon. The colon behind a drive
// letter does not count, unless a run is called so.
func cutTrial(text string) (dir, trial string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 1 || i == 1 && !runstore.Holds(text[:i]) || strings.ContainsAny(text[i:], `/\`) {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

// fromRun looks for a trial by id or by arch_id, perhaps with an option behind. Digits of the full
// length of an arch_id are one.
func fromRun(dir, trial string) (*Network, error) {
	trial, option, _ := strings.Cut(trial, "@")
	if !runstore.Holds(dir) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s:%s: there is no directory %s", dir, trial, dir)
		}
		return nil, fmt.Errorf("%s:%s: %s holds no run", dir, trial, dir)
	}
	const archID = 12 // digits
	id, err := strconv.Atoi(trial)
	byID := err == nil && len(trial) < archID
	if !byID && !isHex(trial, archID) {
		return nil, fmt.Errorf("%s:%s: want a trial's number or its arch_id, %d hexadecimal digits", dir, trial, archID)
	}
	last := -1
	for t, err := range runstore.ReadTrials(dir) {
		if err != nil {
			return nil, err
		}
		last = t.ID
		if byID && t.ID == id || !byID && t.ArchID == trial {
			return fromTrial(dir, &t, option)
		}
	}
	if m, err := runstore.ReadManifest(dir); err == nil && m.Trials > last+1 {
		return nil, fmt.Errorf("%s holds %d of the %d trials that %s counts: it was cut off, restore it",
			filepath.Join(dir, runstore.TrialsFile), last+1, m.Trials, runstore.ManifestFile)
	}
	return nil, fmt.Errorf("%s holds no trial %s: it has 0 to %d", dir, trial, last)
}

func fromTrial(dir string, t *search.Trial, option string) (*Network, error) {
	of := Trial{ID: t.ID, ArchID: t.ArchID, Arch: t.Arch, Latency: runstore.Value{Mid: math.NaN()}}
	if m, err := runstore.ReadManifest(dir); err == nil { // else the files say less
		of.Run, of.Device = m.Name, m.Device
		of.Latency = runstore.FieldOf(runstore.KeyLatency).Of(&t.Result)
	}
	origin := fmt.Sprintf("trial %d of %s", t.ID, dir)
	if option != "" {
		if err := of.change(option); err != nil {
			return nil, fmt.Errorf("%s: %w", origin, err)
		}
		origin += " with " + option
	}
	n, err := of.Network()
	if err != nil {
		return nil, err
	}
	found := &Network{Network: n, Arch: of.Arch, Origin: origin, Run: dir}
	if option == "" {
		found.WeightsFile = runstore.WeightsOf(dir, t.ArchID)
	}
	return found, nil
}

// change gives the trial another number of classes, by an option such as classes=10. Nothing else that
// was said about it holds then.
func (t *Trial) change(option string) error {
	value, ok := strings.CutPrefix(option, "classes=")
	classes, err := strconv.Atoi(value)
	if !ok || err != nil || classes < 1 {
		return fmt.Errorf("option %q: want classes=N, such as classes=10", option)
	}
	a, err := space.Parse(t.Arch)
	if err != nil {
		return err
	}
	a.Head.Classes = classes
	if err := a.Validate(); err != nil {
		return err
	}
	t.Arch, t.ArchID, t.Latency = a.String(), a.ID(), runstore.Value{Mid: math.NaN()}
	return nil
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
