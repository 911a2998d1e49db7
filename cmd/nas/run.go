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
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nas/internal/config"
	"nas/internal/plural"
	"nas/internal/results"
	nasrun "nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/view"
	"nas/internal/work"
)

func newRun(a *app) *cobra.Command {
	var o runFlags
	cmd := &cobra.Command{
		Use:   "run CONFIG",
		Short: "Search a space for the best trade-off between latency and accuracy",
		Long: `Run carries out a config. It calibrates the latency model if the device has none yet,
searches the space, and measures the front on the device. It leaves trials, front,
plots and exported networks in a directory.

Ctrl-C ends the search cleanly; --resume continues it, and nas report draws it. The directory of an
earlier run is never overwritten.

With --serve the report can be watched in a browser while the search runs, and
stays there afterwards until Ctrl-C. A port alone is open to this machine only; the
page then has buttons that pause the run and stop it, as Ctrl-C does. For others name
an address, such as 0.0.0.0:8080. Whoever reaches it may read the run and nothing else.

With --fleet the candidates are evaluated by workers on any machines (nas worker), over a
NATS service with JetStream: one that is there, or with --fleet embedded one in this process.
The trials are those of a run without it.`,
		Example: `  nas run configs/mobile.toml
  nas run configs/mobile.toml --resume
  nas run configs/mobile.toml --out results/long --evaluations 20000 --seed 1,2,3
  nas run configs/mobile.toml --serve 8080
  nas run configs/mobile.toml --fleet embedded
  nas run configs/mobile.toml --out results/more --warm-start results/mobile`,
		Args: oneConfig,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.fleet.check(); err != nil {
				return err
			}
			configs, err := a.configsOf(args[0], &o)
			if err != nil {
				return err
			}
			ctx, stop := context.WithCancel(cmd.Context())
			defer stop()
			url := ""
			if o.serve != "" {
				if url, err = a.watch(cmd.Context(), &o, stop); err != nil {
					return err
				}
			}
			err = a.runAll(ctx, configs, &o)
			byPage := o.live != nil && o.live.Control.Stopped()
			switch {
			case url != "" && (err == nil || byPage && errors.Is(err, errInterrupted)):
				a.printf("\nthe report stays at %s until Ctrl-C\n", url)
				a.rest()
				<-cmd.Context().Done()
			case err != nil && byPage: // before there was anything to report
				err = errInterrupted
			}
			return err
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
	acceptProfile(f, &o.accept)
	o.fleet.add(f, true)
	return cmd
}

// acceptProfile adds the flag that calls AcceptProfiles of a config.
func acceptProfile(f *pflag.FlagSet, accept *bool) {
	f.BoolVar(accept, "accept-profile", false,
		"take a latency profile of this machine as it is, without holding it against networks measured now")
}

// shareProfiles lets the run of another seed take the profiles of the first one: whatever is measured meanwhile, all
// seeds see the same devices. given says that profiles are on the command line.
func shareProfiles(c *config.Config, first string, given bool) {
	for i, name := range c.Latency.Profile.Names() {
		if name == "" && !given || strings.HasPrefix(c.Latency.Profile[name], config.OfFleet) {
			c.Latency.Profile[name] = filepath.Join(first, runstore.ProfileName(name, i))
			c.AcceptProfiles()
		}
	}
}

type runFlags struct {
	out, seeds     string
	evaluations    string
	resume, accept bool
	workers        int
	profiles, warm []string
	serve          string
	live           *view.Live
	gate           work.Gate
	fleet          fleetFlags
}

// runAll carries out the configs of a run, one after the other.
func (a *app) runAll(ctx context.Context, configs []*config.Config, o *runFlags) error {
	var dirs []string
	for i, c := range configs {
		if i > 0 {
			shareProfiles(c, dirs[0], len(o.profiles) > 0)
		}
		dir, err := a.runOnce(ctx, c, o)
		if err != nil {
			return err
		}
		dirs = append(dirs, dir)
	}
	return a.printSpread(dirs)
}

// watch opens the page of --serve. Where only this machine can reach it, it has buttons; stop ends the run as Ctrl-C
// does.
func (a *app) watch(ctx context.Context, o *runFlags, stop func()) (url string, err error) {
	address, err := serveAddress(o.serve)
	if err != nil {
		return "", err
	}
	o.live = new(view.Live)
	if loopback(address) {
		o.live.Control = view.NewControl(&o.gate, stop)
	}
	if url, err = serve(ctx, address, o.live); err != nil {
		return "", err
	}
	if !a.quiet {
		a.notef("watch it at %s\n", url)
	}
	if !loopback(address) {
		a.notef("warning: whoever can reach %s can read this run\n", address)
	}
	return url, nil
}

func parseSeeds(s string) ([]uint64, error) {
	if s == "" {
		return nil, nil
	}
	var seeds []uint64
	for _, f := range strings.Split(s, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(f), 10, 64) // as large as a number of a config may be
		if err != nil || n < 0 {
			return nil, usagef("--seed %q: want whole numbers from 0 to %d, with commas between", s, int64(math.MaxInt64))
		}
		if slices.Contains(seeds, uint64(n)) {
			return nil, usagef("--seed %q: seed %d is repeated: each seed is one run, in a directory of its own", s, n)
		}
		seeds = append(seeds, uint64(n))
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

// configsOf reads the config of a run: for each of its seeds, with what the command line says instead.
func (a *app) configsOf(path string, o *runFlags) (configs []*config.Config, err error) {
	seeds, err := parseSeeds(o.seeds)
	if err != nil {
		return nil, err
	}
	if o.workers < 0 {
		return nil, usagef("--workers %d: want a positive number", o.workers)
	}
	for i := range max(1, len(seeds)) {
		c, err := a.loadConfig(path, setProfiles(o.profiles), func(c *config.Config) error {
			if o.out != "" {
				c.Output.Dir = o.out
			}
			if len(seeds) > 0 {
				c.Seed = seeds[i]
			}
			if len(seeds) > 1 {
				c.Output.Dir = fmt.Sprintf("%s-seed%d", c.Output.Dir, c.Seed)
			}
			if o.evaluations != "" {
				if err := c.Search.SetEvaluations(o.evaluations); err != nil {
					return usagef("--evaluations %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if o.accept {
			c.AcceptProfiles()
		}
		if runstore.Holds(c.Output.Dir) && !o.resume {
			return nil, runstore.Exists(c.Output.Dir)
		}
		configs = append(configs, c)
	}
	return configs, nil
}

// runOnce carries out a config.
func (a *app) runOnce(ctx context.Context, c *config.Config, o *runFlags) (dir string, err error) {
	m := a.meter
	defer m.end()
	r, err := nasrun.Run(ctx, nasrun.Options{
		Options: work.Options{Workers: o.workers, Say: m.say, Progress: m.progress, Gate: &o.gate},
		Config:  c, Resume: o.resume, WarmStart: o.warm, Live: o.live, Fleet: o.fleet.options(),
	})
	m.end()
	if err != nil {
		return "", err
	}
	a.printOutcome(r)
	switch {
	case r.Interrupted:
		again := "nas run " + shellWord(filepath.Join(r.Dir, runstore.ConfigFile)) + " --resume"
		if strings.Contains(o.seeds, ",") {
			again = "the same command with --resume" // goes on with the other seeds
		}
		return "", fmt.Errorf("%w: %s continues it", errInterrupted, again)
	case len(r.Front) == 0:
		return "", errors.New(r.NoFront)
	}
	return r.Dir, nil
}

// shellWord is a path as a shell reads it.
func shellWord(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	if strings.IndexFunc(path, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+,:@%", r)
	}) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// setProfiles replaces profiles of a config by those of --profile [NAME=]FILE.
func setProfiles(profiles []string) func(*config.Config) error {
	return func(c *config.Config) error {
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
}

// errInterrupted is in the error of a command that Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

func searchDetail(x *work.Progress) string {
	p := x.Search
	if p == nil {
		return x.Note
	}
	s := fmt.Sprintf("front %d", p.Front)
	switch n := len(p.Best); {
	case n > 2: // of each objective, in the order of the config
		s += "  best " + strings.Trim(fmt.Sprintf("%.4g", p.Best), "[]")
	case n > 0:
		s += fmt.Sprintf("  best %.4g", p.Best[n-1])
	}
	if p.Hypervolume > 0 {
		s += fmt.Sprintf("  hypervolume %.4g", p.Hypervolume)
	}
	if p.Growth > 0 {
		s += fmt.Sprintf(" (last grew by %.2g %%)", 100*p.Growth)
	}
	if x.Note != "" {
		s += "  " + x.Note
	}
	return s
}

// frontRows is how many members of the front the screen shows.
const frontRows = 12

func (a *app) printOutcome(r *nasrun.Outcome) {
	a.printf("%s: %s tried, %d scored, %d on the front, in %v; ended: %s\n", r.Dir,
		plural.Of(r.Summary.Trials, "network"),
		r.Summary.Evaluations, len(r.Front), r.Elapsed.Round(100*time.Millisecond), r.Ended)
	if len(r.Front) == 0 {
		return
	}
	info := r.Setup.Accuracy.Info()
	a.printf("latency in ms: %s; accuracy: %s\n\n", r.Setup.Devices[0].Profile.Device, info.Label)
	decimals, ends := 4, 4 // of a rank, and of its interval
	if info.Unit == runstore.UnitPercent {
		decimals, ends = 2, 1
	}
	others := r.Setup.Devices[1:]
	head := []string{
		"trial", "latency", "90 % interval", "accuracy", "90 % interval", "expected", "warnings", "params", "MACs",
	}
	for _, d := range others {
		head = append(head, d.Name)
	}
	var memory []string // objectives that no other column shows
	for _, o := range r.Setup.Objectives {
		if o.Unit == "bytes" {
			memory = append(memory, o.Name)
			head = append(head, strings.ReplaceAll(o.Name, "_", " "))
		}
	}
	t := table{head: append(head, "arch_id")}
	shown := min(frontRows, len(r.Front))
	shownAt := func(i int) *nasrun.Member { return &r.Front[i*(len(r.Front)-1)/max(1, shown-1)] }
	for i := range shown {
		m := shownAt(i)
		count := func(key string) string { return si(int64(runstore.Number(&m.Result, key))) }
		row := []any{m.ID, ms(m.Latency.Mid), ms(m.Latency.Low) + " - " + ms(m.Latency.High),
			strconv.FormatFloat(m.Accuracy.Mid, 'f', decimals, 64), between(m.Accuracy, ends), expectedText(m.Expected),
			len(runstore.AccuracyWarning.Warnings(m.Warnings)),
			count(runstore.KeyParams), count(runstore.KeyMACs)}
		for _, d := range others {
			row = append(row, ms(d.Latency.Of(&m.Result).Mid))
		}
		for _, key := range memory {
			row = append(row, count(key))
		}
		t.add(append(row, m.ArchID)...)
	}
	t.write(a.stdout)
	if shown < len(r.Front) {
		a.printf("(%d of %d, spread over the front; front.csv has all)\n", shown, len(r.Front))
	}
	a.printWarned(r.Front)
	if r.Measured != nil {
		a.printf("\n%s\n", r.Measured)
	}
	open := "open " + shellWord(filepath.Join(r.Dir, runstore.ReportFile))
	if r.Interrupted {
		open = "nas report " + shellWord(r.Dir) + " draws what was found"
	}
	a.printf("\n%s; nas show %s --layers shows a network\n", open,
		shellWord(fmt.Sprintf("%s:%d", r.Dir, shownAt(shown/2).ID)))
	if len(r.Exported) > 0 {
		a.printf("exported to %s: %s\n", filepath.Dir(r.Exported[0]), exports(r.Exported))
	}
}

// between is the interval of an accuracy with so many decimals, "-" for none.
func between(v runstore.Value, decimals int) string {
	if !v.HasInterval() {
		return "-"
	}
	return fmt.Sprintf("%.*f - %.*f", decimals, v.Low, decimals, v.High)
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
