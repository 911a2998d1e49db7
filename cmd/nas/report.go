package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"nas/internal/atomicfile"
	"nas/internal/report/html"
	"nas/internal/results"
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
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := results.LoadTold(args[0])
			if err != nil {
				return usage(err)
			}
			p, err := s.Page()
			if err != nil {
				return err
			}
			path := out
			if path == "" {
				path = filepath.Join(args[0], "report.html")
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := atomicfile.Write(path, func(w io.Writer) error { return html.Write(w, p) }); err != nil {
				return err
			}
			if !a.quiet {
				info, err := os.Stat(path)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stderr, "%s: %d trials, front of %d, %sB\n", path, p.Trials.Len(), len(p.Members), si(info.Size()))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write (default: report.html in the run's directory)")
	return cmd
}
