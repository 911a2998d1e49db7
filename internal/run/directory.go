package run

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"nas/internal/config"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
)

// open opens the run in the directory of a config, to resume it. It returns nil where the directory holds
// no run. It completes the config with the algorithm and the population that depend on the number of
// evaluations.
func open(c *config.Config, resume bool) (*runstore.Run, error) {
	dir := c.Output.Dir
	if !runstore.Holds(dir) {
		choose(&c.Search, nil)
		return nil, writable(dir)
	}
	if !resume {
		return nil, config.Usage(&runstore.ExistsError{Dir: dir})
	}
	store, err := runstore.Resume(dir)
	if err != nil {
		return nil, err
	}
	if err := sameConfig(c, store.Path(runstore.ConfigFile)); err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

// writable returns an error if the directory cannot be made, before the minutes of a calibration are spent.
// It leaves nothing behind.
func writable(dir string) error {
	there := filepath.Clean(dir)
	for {
		info, err := os.Stat(there)
		switch up := filepath.Dir(there); {
		case err == nil && !info.IsDir():
			return config.Usagef("%s is a file: want a directory for the run", there)
		case err != nil && up != there: // not made yet, or behind a file
			there = up
			continue
		}
		f, err := os.CreateTemp(there, ".nas-*")
		if err != nil {
			return config.Usagef("%s cannot be written: give another directory with --out (%w)", there, err)
		}
		f.Close()
		return os.Remove(f.Name())
	}
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
		if file == "" || file == "auto" {
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
