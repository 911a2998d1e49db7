package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/results"
	nasrun "nas/internal/run"
	"nas/internal/runstore"
	"nas/search"
)

func newRun(a *app) *cobra.Command {
	var o runFlags
	cmd := &cobra.Command{
		Use:   "run CONFIG",
		Short: "Search a space for the best trade-off between latency and accuracy",
		Long: `Run carries out a config. It calibrates the latency model if the device has none yet,
searches the space, and measures the front on the device. It leaves trials, front,
plots and exported networks in a directory.

Ctrl-C ends the search cleanly; --resume continues it. The directory of an
earlier run is never overwritten.

With --serve the report can be watched in a browser while the search runs, and
stays there afterwards until Ctrl-C. A port alone is open to this machine only.
For others name an address, such as 0.0.0.0:8080. Whoever reaches it may read the run
and nothing else.`,
		Example: `  nas run configs/mobile.toml
  nas run configs/mobile.toml --resume
  nas run configs/mobile.toml --out results/long --evaluations 20000 --seed 1,2,3
  nas run configs/mobile.toml --serve 8080
  nas run configs/mobile.toml --out results/more --warm-start results/mobile`,
		Args: oneConfig,
		RunE: func(cmd *cobra.Command, args []string) error {
			seeds, err := parseSeeds(o.seeds)
			if err != nil {
				return err
			}
			url := ""
			if o.serve != "" {
				if url, err = a.watch(cmd.Context(), &o); err != nil {
					return err
				}
			}
			var dirs []string
			for i := range max(1, len(seeds)) {
				dir, err := a.runOnce(cmd, args[0], o, seeds, i)
				if err != nil {
					return err
				}
				dirs = append(dirs, dir)
				if i == 0 && len(seeds) > 1 && len(o.profiles) == 0 {
					// Whatever is measured meanwhile, all seeds see the same device.
					o.first = dir
				}
			}
			if err := a.printSpread(dirs); err != nil {
				return err
			}
			if url != "" {
				a.printf("\nthe report stays at %s until Ctrl-C\n", url)
				a.rest()
				<-cmd.Context().Done()
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "the `DIR` of the run, instead of the config's output.dir")
	f.BoolVar(&o.resume, "resume", false, "continue the run in the directory; start one if there is none")
	f.StringVar(&o.seeds, "seed", "", "seed instead of the config's; several, `N,N...`, make a run each in DIR-seedN")
	f.StringVar(&o.evaluations, "evaluations", "",
		"networks scored at most, `N` or plateau, instead of the config's evaluations")
	f.IntVar(&o.workers, "workers", 0,
		"networks evaluated at once; the result does not depend on it (default: one a core)")
	f.StringVar(&o.serve, "serve", "", "show the report at `HOST:PORT` while the search runs, and until Ctrl-C")
	f.StringArrayVar(&o.warm, "warm-start", nil,
		"seed the population with the front of an earlier run, `DIR`, that has the same scale id")
	f.StringArrayVar(&o.profiles, "profile", nil, "latency profile, `[NAME=]FILE`, instead of the config's")
	return cmd
}

type runFlags struct {
	out, seeds     string
	evaluations    string
	resume         bool
	workers        int
	profiles, warm []string
	serve          string
	live           *results.Live
	first          string // the run of the first of several seeds, whose profile the others take
}

// watch opens the page of --serve.
func (a *app) watch(ctx context.Context, o *runFlags) (url string, err error) {
	address, err := serveAddress(o.serve)
	if err != nil {
		return "", err
	}
	o.live = new(results.Live)
	if url, err = serve(ctx, address, o.live); err != nil {
		return "", err
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "watch it at %s\n", url)
	}
	if !loopback(address) {
		fmt.Fprintf(a.stderr, "warning: whoever can reach %s can read this run\n", address)
	}
	return url, nil
}

func parseSeeds(s string) ([]uint64, error) {
	if s == "" {
		return nil, nil
	}
	var seeds []uint64
	for _, f := range strings.Split(s, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(f), 10, 64)
		if err != nil {
			return nil, usagef("--seed %q: want a whole number, or several with commas between", s)
		}
		if slices.Contains(seeds, n) {
			return nil, usagef("--seed %q: seed %d is repeated: each seed is one run, in a directory of its own", s, n)
		}
		seeds = append(seeds, n)
	}
	return seeds, nil
}

// printSpread compares the fronts of the runs of several seeds.
func (a *app) printSpread(dirs []string) error {
	if len(dirs) < 2 {
		return nil
	}
	var runs []*results.Stored
	for _, dir := range dirs {
		s, err := results.Load(dir)
		if err != nil {
			return err
		}
		runs = append(runs, s)
	}
	s, err := results.CompareSeeds(runs)
	if err != nil {
		return err
	}
	a.printf("\n%s\n", s)
	return nil
}

// runOnce carries out a config with the i-th of the seeds, or its own if there
// are none.
func (a *app) runOnce(cmd *cobra.Command, path string, o runFlags, seeds []uint64, i int) (dir string, err error) {
	c, err := loadConfig(path, evaluator.Check)
	if err != nil {
		return "", err
	}
	if o.out != "" {
		c.Output.Dir = o.out
	}
	if len(seeds) > 0 {
		c.Seed = seeds[i]
	}
	if len(seeds) > 1 {
		c.Output.Dir = fmt.Sprintf("%s-seed%d", c.Output.Dir, c.Seed)
	}
	if o.workers < 0 {
		return "", usagef("--workers %d: want a positive number", o.workers)
	}
	if o.evaluations != "" {
		if err := c.Search.SetEvaluations(o.evaluations); err != nil {
			return "", usagef("--evaluations %w", err)
		}
	}
	if err := setProfiles(c, o.profiles); err != nil {
		return "", err
	}
	if _, one := c.Latency.Profile[""]; one && o.first != "" {
		c.Latency.Profile[""] = filepath.Join(o.first, runstore.ProfileFile)
	}
	m := a.meter
	defer m.end()
	r, err := nasrun.Run(cmd.Context(), nasrun.Options{
		Options: evaluator.Options{Workers: o.workers, Say: m.say, Progress: m.progress},
		Config:  c, Resume: o.resume, WarmStart: o.warm, Live: o.live,
	})
	m.end()
	if err != nil {
		return "", err
	}
	a.printOutcome(r)
	switch {
	case r.Summary.Status == search.StatusInterrupted:
		stored := filepath.Join(r.Dir, runstore.ConfigFile)
		return "", fmt.Errorf("%w: nas run %s --resume continues it", errInterrupted, stored)
	case len(r.Front) == 0:
		return "", errors.New(r.NoFront)
	}
	return r.Dir, nil
}

// setProfiles replaces profiles of a config by those of --profile [NAME=]FILE.
func setProfiles(c *config.Config, profiles []string) error {
	for _, p := range profiles {
		name, file, named := strings.Cut(p, "=")
		if !named {
			name, file = "", p
		}
		if _, ok := c.Latency.Profile[name]; !ok {
			if name == "" {
				return usagef("--profile %s: the config names several profiles, want NAME=FILE with one of %s",
					p, strings.Join(c.Latency.Profile.Names(), ", "))
			}
			return usagef("--profile %s: the config names no profile %q", p, name)
		}
		c.Latency.Profile[name] = file
	}
	return nil
}

// errInterrupted is in the error of a command that Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

func searchDetail(p *search.Progress) string {
	if p == nil {
		return ""
	}
	s := fmt.Sprintf("front %d", p.Front)
	if n := len(p.Best); n > 0 {
		s += fmt.Sprintf("  best %.4g", p.Best[n-1])
	}
	if p.Hypervolume > 0 {
		s += fmt.Sprintf("  hypervolume %.4g", p.Hypervolume)
	}
	if p.Growth > 0 {
		s += fmt.Sprintf(" (last grew by %.2g %%)", 100*p.Growth)
	}
	return s
}

// frontRows is how many members of the front the screen shows.
const frontRows = 12

func (a *app) printOutcome(r *nasrun.Outcome) {
	a.printf("%s: %d networks tried, %d scored, %d on the front, in %v; ended: %s\n", r.Dir, r.Summary.Trials,
		r.Summary.Evaluations, len(r.Front), r.Elapsed.Round(100*time.Millisecond), r.Ended)
	if len(r.Front) == 0 {
		return
	}
	info := r.Setup.Accuracy.Info()
	a.printf("latency in ms: %s; accuracy: %s\n\n", r.Setup.Devices[0].Profile.Device, info.Label)
	decimals := 4 // of a rank
	if info.Unit == runstore.UnitPercent {
		decimals = 2
	}
	t := table{head: []string{
		"trial", "latency", "90 % interval", "accuracy", "90 % interval", "expected", "warnings", "params", "MACs", "arch_id",
	}}
	shown := min(frontRows, len(r.Front))
	shownAt := func(i int) *nasrun.Member { return &r.Front[i*(len(r.Front)-1)/max(1, shown-1)] }
	for i := range shown {
		m := shownAt(i)
		count := func(key string) string { return si(int64(runstore.Number(&m.Result, key))) }
		t.add(m.ID, ms(m.Latency.Mid), ms(m.Latency.Low)+" - "+ms(m.Latency.High),
			strconv.FormatFloat(m.Accuracy.Mid, 'f', decimals, 64), between(m.Accuracy), expectedText(m.Expected),
			len(runstore.AccuracyWarning.Warnings(m.Warnings)),
			count(runstore.KeyParams), count(runstore.KeyMACs), m.ArchID)
	}
	t.write(a.stdout)
	if shown < len(r.Front) {
		a.printf("(%d of %d, spread over the front; front.csv has all)\n", shown, len(r.Front))
	}
	a.printWarned(r.Front)
	if r.Measured != nil {
		a.printf("\n%s\n", r.Measured)
	}
	a.printf("\nopen %s/report.html; nas show %s:%d --layers shows a network\n", r.Dir, r.Dir, shownAt(shown/2).ID)
	if len(r.Exported) > 0 {
		a.printf("exported to %s: %s\n", filepath.Dir(r.Exported[0]), exports(r.Exported))
	}
}

// between is the interval of an accuracy, "-" for none.
func between(v runstore.Value) string {
	if !v.HasInterval() {
		return "-"
	}
	return fmt.Sprintf("%.1f - %.1f", v.Low, v.High)
}

// expectedText is an accuracy after selection, "-" where nothing is known.
func expectedText(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}

// printWarned says what the score warns of, and for how many members of the front. Warnings that differ in
// a number count as one.
func (a *app) printWarned(front []nasrun.Member) {
	count, first := map[string]int{}, []string{}
	for _, m := range front {
		for _, w := range runstore.AccuracyWarning.Warnings(m.Warnings) {
			if kind := kindOf(w); count[kind] == 0 {
				first = append(first, w)
			}
			count[kindOf(w)]++
		}
	}
	if slices.ContainsFunc(front, func(m nasrun.Member) bool { return !math.IsNaN(m.Expected) }) {
		a.printf("expected: what to expect of a network that was selected for its estimate\n")
	}
	for _, w := range first {
		a.printf("accuracy of %d of the %d: %s\n", count[kindOf(w)], len(front), w)
	}
}

// kindOf is a warning up to its first number.
func kindOf(warning string) string {
	if k := strings.IndexAny(warning, "0123456789"); k >= 0 {
		return warning[:k]
	}
	return warning
}

// exports names files of one directory in short: each name with its endings.
func exports(files []string) string {
	var names []string
	endings := map[string][]string{}
	for _, f := range files {
		ending := filepath.Ext(f)
		name := strings.TrimSuffix(filepath.Base(f), ending)
		if endings[name] == nil {
			names = append(names, name)
		}
		endings[name] = append(endings[name], ending)
	}
	for _, n := range names { // all have the formats of the config
		if !slices.Equal(endings[n], endings[names[0]]) {
			return strings.Join(files, ", ")
		}
	}
	return strings.Join(names, ", ") + "; each as " + strings.Join(endings[names[0]], " ")
}
