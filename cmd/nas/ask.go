package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nas/internal/feedback"
	"nas/internal/work"
)

func newAsk(a *app) *cobra.Command {
	var n int
	var out string
	var j jobFlags
	cmd := &cobra.Command{
		Use:   "ask DIR",
		Short: "Choose the networks of a run to train next, or write its next candidates as jobs",
		Long: `Ask chooses networks at the front of a run for training. Each choice reduces the
uncertainty of the front's accuracy most, given the choices before it and the trained
networks that the run knows already. With --out it writes a table with an empty column
accuracy, which nas tell reads once it is filled in.

With --jobs it writes the next candidates of the search as job folders, which nas work does
anywhere and nas tell reads: a search without a service over many machines. DIR is a run,
or the config of one that begins here. With --measure the folders are members of the front,
to be timed where nas work runs.`,
		Example: `  nas ask results/mobile -n 5 --out trained.csv
  nas tell results/mobile trained.csv
  nas ask results/mobile -n 64 --jobs jobs
  nas work jobs/0`,
		Args: oneRunOrConfig,
		RunE: func(cmd *cobra.Command, args []string) error {
			if j.dir != "" {
				return a.askJobs(cmd.Context(), args[0], n, out, j)
			}
			if j.again || j.measure || j.accept {
				return usagef("--again, --measure and --accept-profile are for --jobs")
			}
			if err := a.place("--out", out); err != nil {
				return err
			}
			if err := feedback.MayReplace(out, args[0]); err != nil {
				return usage(err)
			}
			asked, err := feedback.Ask(args[0], n)
			if err != nil {
				return err
			}
			if out != "" {
				lines := [][]string{{"id", "arch", "accuracy"}}
				for _, q := range asked {
					lines = append(lines, []string{strconv.Itoa(q.ID), q.Arch, ""})
				}
				if err := a.save(out, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(lines) }); err != nil {
					return err
				}
			}
			if a.json {
				views := make([]askedView, len(asked))
				for i, q := range asked {
					views[i] = askedView{q.ID, q.ArchID, q.Arch, q.Objectives, q.OnFront, q.ExplainsPct}
				}
				return a.writeJSON(map[string]any{"networks": views})
			}
			t := table{head: []string{"trial", "arch_id", "on the true front", "tells % of what is unknown", "arch"}}
			for _, q := range asked {
				t.add(q.ID, q.ArchID, fmt.Sprintf("%.2f", q.OnFront), fmt.Sprintf("%.1f", q.ExplainsPct), q.Arch)
			}
			t.write(a.stdout)
			return nil
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", 5, "how many")
	cmd.Flags().StringVar(&out, "out", "", "write a table to be filled in to `FILE`, - for standard output")
	j.add(cmd.Flags())
	a.jsonFlag(cmd)
	return cmd
}

type askedView struct {
	ID         int                `json:"id"`
	ArchID     string             `json:"arch_id"`
	Arch       string             `json:"arch"`
	Objectives map[string]float64 `json:"objectives"`
	OnFront    float64            `json:"p_front"`
	Explains   float64            `json:"explains_pct"`
}

func newTell(a *app) *cobra.Command {
	var workers int
	cmd := &cobra.Command{
		Use:   "tell DIR TRAINED.csv|JOBS...",
		Short: "Tell a run the accuracy of trained networks, or the outcomes of jobs",
		Long: `Tell reads a table and keeps it with the run. Its columns are id (a trial or its
arch_id) or arch, and accuracy in per cent. A network in several rows, or told again
with another accuracy, was trained with several seeds: its mean counts. told.csv in the
directory holds all that was told; delete a line there to take it back. With five
trained networks or more it fits a surrogate to all of them, ranks the trials at the
front again, and says how far the front moved. From then on nas pick, plot, report and
show use trained accuracies, and for the others the surrogate. front-told.csv in the
directory holds the new front. front.csv has the trained accuracies beside the run's
own score.

Job folders of nas ask --jobs are told in any order, whenever some are done: the trials
are stored in the order of the search, and what comes early waits in outcomes.jsonl.
Folders that are damaged or of another run are refused by name, and the rest counts.`,
		Example: `  nas tell results/mobile trained.csv
  nas tell results/mobile jobs/*`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 || len(args) > 2 && !areFolders(args[1:]) {
				return usagef("want the directory of a run and a table or job folders, such as results/mobile trained.csv, "+
					"got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if areFolders(args[1:]) {
				return a.tellJobs(cmd.Context(), args[0], args[1:], workers)
			}
			m := a.meter
			defer m.end()
			r, err := feedback.Tell(cmd.Context(), args[0], args[1], work.Options{Workers: workers, Say: m.say})
			m.end()
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(r)
			}
			a.printf("%s\n", r)
			a.writeRepeated(r.Repeated)
			if len(r.Front) == 0 {
				return nil
			}
			a.printf("\n")
			t := table{head: []string{"trial", "latency", "accuracy", "90 % interval", "", "arch_id"}}
			for _, x := range r.Front {
				interval, note := fmt.Sprintf("%.1f - %.1f", x.Low, x.High), ""
				switch {
				case x.Seeds > 1:
					interval = fmt.Sprintf("mean of %d seeds", x.Seeds)
				case x.Trained:
					interval = "trained"
				case !x.Before:
					note = "new"
				}
				t.add(x.ID, ms(x.LatencyMs), fmt.Sprintf("%.2f", x.Accuracy), interval, note, x.ArchID)
			}
			t.write(a.stdout)
			return nil
		},
	}
	cmd.Flags().IntVar(&workers, "workers", 0, "networks scored at once (default: one a core)")
	a.jsonFlag(cmd)
	return cmd
}

// writeRepeated prints the networks that were trained with several seeds.
func (a *app) writeRepeated(rs []feedback.Repeated) {
	if len(rs) == 0 {
		return
	}
	a.printf("\nTrained with several seeds: the mean counts.\n")
	t := table{head: []string{"trial", "seeds", "mean", "standard deviation", "of each", "arch_id"}}
	for _, r := range rs {
		id := "-"
		if r.ID >= 0 {
			id = strconv.Itoa(r.ID)
		}
		t.add(id, r.Seeds, fmt.Sprintf("%.2f", r.Accuracy), fmt.Sprintf("%.2f", r.SD),
			strings.Trim(fmt.Sprint(r.Accuracies), "[]"), r.ArchID)
	}
	t.write(a.stdout)
}
