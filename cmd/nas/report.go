package main

import (
	"bytes"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"nas/internal/plural"
	"nas/internal/report/html"
	"nas/internal/results"
	"nas/internal/view"
)

func newReport(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Write a run as one HTML page to explore",
		Long: `Report writes one HTML file that needs no other file and no server. It shows every
trial, every member of the front with its layers and where its latency goes, and two
networks side by side. Constraints can be tried out.`,
		Example: `  nas report results/mobile
  nas report results/mobile --out mobile.html`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want the directory of one run, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := out
			if path == "" {
				path = filepath.Join(args[0], "report.html")
			}
			if err := a.place("--out", out); err != nil {
				return err
			}
			s, err := results.LoadTold(args[0])
			if err != nil {
				return usage(err)
			}
			p, err := view.Page(cmd.Context(), s)
			if err != nil {
				return err
			}
			var page bytes.Buffer
			if err := html.Write(&page, p); err != nil {
				return err
			}
			size := page.Len()
			if err := a.save(path, func(w io.Writer) error { _, err := page.WriteTo(w); return err }); err != nil {
				return err
			}
			if !a.quiet {
				a.notef("%s: %s, front of %d, %sB\n", path, plural.Of(p.Trials.Len(), "trial"), len(p.Members), si(int64(size)))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write (default: report.html in the run's directory)")
	return cmd
}
