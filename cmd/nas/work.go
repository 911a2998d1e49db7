package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nas/internal/config"
	"nas/internal/device"
	"nas/internal/fault"
	"nas/internal/jobs"
	nasrun "nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/tasks"
	"nas/internal/work"
	"nas/latency/timing"
)

// jobFlags are the flags of nas ask for job folders.
type jobFlags struct {
	dir            string
	again, measure bool
	accept         bool
}

func (j *jobFlags) add(f *pflag.FlagSet) {
	f.StringVar(&j.dir, "jobs", "", "write the next candidates of the search as job folders into `DIR`")
	f.BoolVar(&j.again, "again", false, "with --jobs: those that were handed out before and not told")
	acceptProfile(f, &j.accept)
	f.BoolVar(&j.measure, "measure", false, "with --jobs: members of the front, to be timed by nas work")
}

func oneRunOrConfig(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want the directory of one run, such as results/mobile, or with --jobs a config, got %d arguments",
			len(args))
	}
	return nil
}

// areFolders tells whether all paths are directories.
func areFolders(paths []string) bool {
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() || filepath.Ext(path) == ".csv" { // a table by its name
			return false
		}
	}
	return true
}

// stepwise are the options of a run that is carried out step by step: the run in a directory, or that of a config.
func (a *app) stepwise(path string, workers int) (nasrun.Options, error) {
	o := nasrun.Options{Options: work.Options{Workers: workers, Say: a.meter.say, Progress: a.meter.progress}}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		o.Config, err = a.loadConfig(path)
		return o, err
	}
	if _, err := runstore.ReadManifest(path); err != nil {
		return o, usage(err)
	}
	a.warned = true // when the run began
	var err error
	o.Config, err = a.loadConfig(filepath.Join(path, runstore.ConfigFile), func(c *config.Config) error {
		c.Output.Dir = path
		return nil
	})
	return o, err
}

// askJobs is nas ask --jobs.
func (a *app) askJobs(ctx context.Context, path string, n int, out string, j jobFlags) (err error) {
	var asked *nasrun.AskedJobs
	switch {
	case out != "":
		return usagef("--out is for a table of networks to train, --jobs for job folders: choose one")
	case n < 1:
		return usagef("-n %d: want 1 or more", n)
	case j.measure:
		asked, err = nasrun.AskMeasurements(path, j.dir, n)
	default:
		var o nasrun.Options
		if o, err = a.stepwise(path, 0); err != nil {
			return err
		}
		m := a.meter
		defer m.end()
		if j.accept {
			o.Config.AcceptProfiles()
		}
		asked, err = nasrun.AskJobs(ctx, o, j.dir, n, j.again)
		m.end()
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(asked)
	}
	a.printf("%s\n", asked)
	return nil
}

// tellJobs is nas tell with job folders.
func (a *app) tellJobs(ctx context.Context, dir string, paths []string, workers int) error {
	folders, err := jobs.Folders(paths)
	if err != nil {
		return err
	}
	o, err := a.stepwise(dir, workers)
	if err != nil {
		return err
	}
	m := a.meter
	defer m.end()
	told, err := nasrun.TellJobs(ctx, o, folders)
	m.end()
	if err != nil {
		return err
	}
	if a.json {
		err = a.writeJSON(told)
	} else {
		a.printf("%s\n", told)
	}
	for _, r := range told.Refused {
		a.notef("refused %s: %s\n", r.Folder, r.Reason)
	}
	if err == nil && len(told.Refused) > 0 {
		err = fmt.Errorf("%d of %d folders were refused, the others count", len(told.Refused), len(folders))
	}
	return err
}

func newWork(a *app) *cobra.Command {
	var workers int
	var name, data, scratch string
	var trains []string
	var on device.Choice
	var again bool
	cmd := &cobra.Command{
		Use:   "work JOB...",
		Short: "Do the jobs that nas ask --jobs wrote",
		Long: `Work does the task of a job folder and writes its outcome there: it evaluates a candidate
as the search would, trains it by a recipe, or times a network on this device. JOB is a job folder, or a directory
of such folders. A folder holds all that its task needs, so it may be copied to another
machine first. One that has an outcome is left alone.

A training needs the recipe of the search (--trains) and its data (--data): a job names
no program. It goes on from the rung before if that was trained with the same --scratch.

A candidate is evaluated by the same version of nas and the same kind of kernels as the
search: its bytes are then those of a search on one machine.`,
		Example: `  nas work jobs/0
  nas work jobs --workers 4
  nas work jobs --trains train.toml --data photos`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("want a job folder that nas ask --jobs wrote, such as jobs/0")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			folders, err := jobs.Folders(args)
			if err != nil {
				return err
			}
			if name == "" {
				name, _ = os.Hostname()
			}
			m := a.meter
			defer m.end()
			w := jobs.Worker{
				Options: work.Options{Workers: cmp.Or(max(0, workers), runtime.GOMAXPROCS(0)), Say: m.say},
				Name:    name, Again: again,
				Device: func() (timing.Runtime, error) { return on.Runtime() },
			}
			if w.Schools, err = schools(cmd.Context(), trains, data, scratch); err != nil {
				return err
			}
			done, skipped := 0, 0
			err = w.Do(cmd.Context(), folders, func(d jobs.Done) {
				switch {
				case d.Skipped:
					skipped++
				case d.Err != nil && !errors.Is(d.Err, context.Canceled):
					a.notef("%s: %s\n", d.Folder, fault.Text(d.Err))
				case d.Err == nil:
					done++
				}
				m.progress(work.Progress{Step: "work", Done: done + skipped, Total: len(folders)})
			})
			m.end()
			a.printf("%d done, %d were done before\n", done, skipped)
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&workers, "workers", 0, "candidates evaluated at once (default: one a core)")
	f.StringVar(&name, "name", "", "the name of this worker in the outcomes (default: the host's)")
	f.BoolVar(&again, "again", false, "do jobs that have an outcome again")
	f.StringVar(&on.Device, "device", "", "where networks are timed: "+device.Forms)
	f.IntVar(&on.Threads, "threads", 0, "threads of a network that is timed (default 1, or the recipe's)")
	addTraining(f, &trains, &data, &scratch)
	return cmd
}

// addTraining adds the flags of who trains for others.
func addTraining(f *pflag.FlagSet, trains *[]string, data, scratch *string) {
	f.StringArrayVar(trains, "trains", nil,
		"train networks by `RECIPE`, a file of this machine or the name of a shipped one")
	f.StringVar(data, "data", "", "the data set of the trainings, `DIR` of this machine")
	f.StringVar(scratch, "scratch", "nas-trained", "`DIR` for what the trainings leave")
}

// schools prepares the recipes that are given with --trains.
func schools(ctx context.Context, trains []string, data, scratch string) (list []*tasks.School, err error) {
	for _, recipe := range trains {
		s, err := tasks.NewSchool(ctx, recipe, data, scratch)
		if err != nil {
			return nil, config.Usagef("--trains %s: %w", recipe, err)
		}
		list = append(list, s)
	}
	return list, nil
}
