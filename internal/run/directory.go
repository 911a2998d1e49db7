package run

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"nas/internal/atomicfile"
	"nas/internal/buildinfo"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
)

// open locks the directory of a config, and opens the run in it to resume it. resumed is false where the
// directory holds no run. It completes the config with the algorithm and the population that depend on the
// number of evaluations.
func open(c *config.Config, resume bool) (store *runstore.Run, resumed bool, err error) {
	dir := c.Output.Dir
	if !resume || !runstore.Holds(dir) {
		choose(&c.Search, nil)
		if err := runstore.Writable(dir); err != nil {
			return nil, false, config.Usage(err)
		}
		store, err := runstore.Claim(dir)
		var exists *runstore.ExistsError
		if errors.As(err, &exists) {
			err = config.Usage(err)
		}
		return store, false, err
	}
	if store, err = runstore.Resume(dir); err != nil {
		return nil, false, err
	}
	if err := sameConfig(c, store.Path(runstore.ConfigFile)); err != nil {
		store.Close()
		return nil, false, err
	}
	return store, true, nil
}

// sameConfig returns an error if a run is to be resumed with another config than the stored one in path.
// Settings that only decide when the search stops, or what happens after it, may differ.
func sameConfig(c *config.Config, path string) error {
	then, err := config.Load(path)
	if err != nil {
		return err
	}
	choose(&c.Search, &then.Search)
	profiles, err := namedAsThen(c.Latency.Profile, then.Latency.Profile, filepath.Dir(path))
	if err != nil {
		return err
	}
	neutral := func(c config.Config, profiles config.Named[string]) ([]byte, error) {
		c.Search.Evaluations, c.Search.Trials, c.Search.Time, c.Search.Plateau = 0, 0, 0, 0
		c.Output, c.Latency.Budget, c.Latency.Profile = config.Output{}, 0, profiles
		return c.Encode()
	}
	a, err := neutral(*then, then.Latency.Profile)
	if err != nil {
		return err
	}
	b, err := neutral(*c, profiles)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return config.Usagef("the config differs from %s (%s): give another directory with --out, "+
			"or resume with nas run %s --resume", path, firstDifference(a, b), path)
	}
	return nil
}

// namedAsThen returns the profiles of a config under the file names of the stored config, then, where their
// contents are those in the run's directory: the file of a profile may have moved. A profile of the same file
// name and other contents is an error. A file that is gone is taken for the one of its name.
func namedAsThen(now, then config.Named[string], dir string) (config.Named[string], error) {
	profiles := maps.Clone(now)
	for i, name := range then.Names() {
		file, was := now[name], then[name]
		if file == "" || file == config.AutoProfile || file == config.SustainedProfile ||
			strings.HasPrefix(file, config.OfFleet) {
			continue
		}
		same, err := sameProfile(file, filepath.Join(dir, runstore.ProfileName(name, i)))
		switch {
		case err != nil && file != was:
			return nil, config.Usage(err)
		case err == nil && same:
			profiles[name] = was
		case err == nil && file == was:
			return nil, config.Usagef("latency.profile %s has changed since the run in %s began: give another directory "+
				"with --out, or restore the file", file, dir)
		}
	}
	return profiles, nil
}

// sameProfile tells whether two files hold the same latency profile.
func sameProfile(a, b string) (bool, error) {
	var texts [2]bytes.Buffer
	for i, file := range []string{a, b} {
		p, err := latency.Load(file)
		if err == nil {
			err = p.Write(&texts[i])
		}
		if err != nil {
			return false, err
		}
	}
	return bytes.Equal(texts[0].Bytes(), texts[1].Bytes()), nil
}

// firstDifference shows the first line in which two configs differ. A table's name counts as a line.
func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	i := 0
	for i < min(len(x), len(y))-1 && x[i] == y[i] {
		i++
	}
	return fmt.Sprintf("was %s, is %s", cmp.Or(x[i], "nothing"), cmp.Or(y[i], "nothing"))
}

// choose fills in the algorithm and the population where the config leaves them to the number of
// evaluations. A run that is resumed with another number keeps what was chosen when it began: then is the
// search of its stored config, nil for a new run.
func choose(s, then *config.Search) {
	if then != nil {
		if s.Algorithm == config.Auto {
			s.Algorithm = then.Algorithm
		}
		s.Population = cmp.Or(s.Population, then.Population)
	}
	if s.Algorithm == config.Auto {
		s.Algorithm = search.Auto(s.Budget())
	}
	if s.Algorithm == "nsga2" && s.Population == 0 {
		s.Population = search.DefaultPopulation(s.Budget())
	}
}

// manifest says what a run is made with.
func manifest(s *evaluator.Setup, started time.Time) (runstore.Manifest, error) {
	searcher, err := newSearcher(s)
	if err != nil {
		return runstore.Manifest{}, err
	}
	info := s.Accuracy.Info()
	m := runstore.Manifest{
		Version: buildinfo.Version(), Name: s.Config.Name, Seed: s.Config.Seed,
		NumericClass: evaluator.NumericClass(), Device: s.Devices[0].Profile.Device.String(), ScaleID: info.ScaleID,
		Algorithm: searcher.String(), Objectives: s.Objectives, Reference: s.Worst, Limits: s.Limits, SpaceID: s.Space.ID(),
		Score:  runstore.Score{Spec: s.Accuracy.String(), Label: info.Label, Unit: info.Unit, Blind: s.Blind},
		Status: search.StatusRunning.String(), Started: started.UTC(), Updated: time.Now().UTC(),
	}
	for _, d := range s.Devices {
		if d.Name != "" {
			if m.Devices == nil {
				m.Devices = map[string]string{}
			}
			m.Devices[d.Name] = d.Profile.Device.String()
		}
	}
	return m, nil
}

// checkManifest refuses to resume a run that was made in another way.
func checkManifest(store *runstore.Run, s *evaluator.Setup, started time.Time) error {
	now, err := manifest(s, started)
	if err != nil {
		return err
	}
	then := store.Manifest()
	if err := then.Same(&now); err != nil {
		return config.Usagef("%s: %w", store.Path(runstore.ManifestFile), err)
	}
	return nil
}

// begin writes what a new run is made with.
func begin(store *runstore.Run, s *evaluator.Setup, started time.Time) error {
	m, err := manifest(s, started)
	if err != nil {
		return err
	}
	text, err := s.Config.Encode()
	if err != nil {
		return err
	}
	profiles := make([][]byte, len(s.Devices))
	for i, d := range s.Devices {
		var b bytes.Buffer
		if err := d.Profile.Write(&b); err != nil {
			return err
		}
		if profiles[i] = b.Bytes(); i == 0 {
			continue // written last, with the manifest
		}
		if err := atomicfile.WriteFile(store.Path(runstore.ProfileName(d.Name, i)), profiles[i]); err != nil {
			return err
		}
	}
	if scale := s.Scale(); scale != nil {
		data, err := json.Marshal(scale)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteFile(store.Path(runstore.ScaleFile), data); err != nil {
			return err
		}
	}
	return store.Begin(m, text, profiles[0])
}

// recordEnd completes the manifest with how the run ended.
// ended says it in words, and noFront why the run has no front; "" if it has one.
func recordEnd(store *runstore.Run, summary *search.Summary, ended, noFront string, started time.Time) error {
	m := store.Manifest()
	m.Status, m.Ended, m.Trials, m.Reason = summary.Status.String(), ended, summary.Trials, noFront
	m.Updated = time.Now().UTC()
	m.WallS += time.Since(started).Seconds()
	return store.SetManifest(m)
}
