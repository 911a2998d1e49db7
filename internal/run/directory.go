package run

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"nas/internal/config"
	"nas/internal/runstore"
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
	neutral := func(c config.Config) ([]byte, error) {
		c.Search.Evaluations, c.Search.Trials, c.Search.Time, c.Search.Plateau = 0, 0, 0, 0
		c.Output, c.Latency.Budget, c.Latency.Profile = config.Output{}, 0, nil
		return c.Encode()
	}
	a, err := neutral(*then)
	if err != nil {
		return err
	}
	b, err := neutral(*c)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return config.Usagef("the config differs from %s (%s): give another directory with --out, "+
			"or resume with nas run %s --resume", path, firstDifference(a, b), path)
	}
	return nil
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("was %q, is %q", x[i], y[i])
		}
	}
	return "one of them is longer"
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
		s.Algorithm = search.Auto(s.Evaluations)
	}
	if s.Algorithm == "nsga2" && s.Population == 0 {
		s.Population = search.DefaultPopulation(s.Evaluations)
	}
}
