package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"nas/internal/report"
	"nas/internal/results"
	"nas/internal/view"
)

// plots are the pictures of a run by name. Those that show several runs over
// each other get them all.
var plots = []struct {
	name, what string
	several    bool
	draw       func(runs []*results.Stored) (report.Figure, error)
}{
	{"front", "latency against accuracy", true,
		func(rs []*results.Stored) (report.Figure, error) { return view.MainFigure(rs...) }},
	{"hypervolume", "the front's growth over the run", true,
		func(rs []*results.Stored) (report.Figure, error) { return view.Growth(rs...), nil }},
	{"genes", "what the front takes, against the whole space", false,
		func(rs []*results.Stored) (report.Figure, error) { return view.Shares(rs[0]) }},
	{"compare", "the fronts of several runs, all on the device of the first", true,
		func(rs []*results.Stored) (report.Figure, error) {
			f, err := view.Compared(rs)
			return f, usage(err)
		}},
	{"importance", "the genes that latency and accuracy depend on", false,
		func(rs []*results.Stored) (report.Figure, error) {
			m, err := view.Importance(context.Background(), rs[0])
			return m, usage(err)
		}},
	{"curves", "learning curves of the networks that were trained", false,
		func(rs []*results.Stored) (report.Figure, error) {
			g, err := view.Curves(rs[0])
			if err == nil && len(g.Curves) == 0 {
				err = usagef("nothing was trained in %s: learning curves come with [accuracy] evaluator", rs[0].Dir)
			}
			return g, err
		}},
	{"measured", "predicted against measured latency", false, func(rs []*results.Stored) (report.Figure, error) {
		if len(rs[0].Measured) == 0 {
			return nil, usagef("nothing was measured in %s: measured.csv comes from output.measure members of the front, "+
				"on the device of the profile", rs[0].Dir)
		}
		return view.Agreement(rs[0]), nil
	}},
}

func newPlot(a *app) *cobra.Command {
	var out, kind string
	kinds := ""
	for _, p := range plots {
		kinds += fmt.Sprintf("\n  %-11s  %s", p.name, p.what)
	}
	cmd := &cobra.Command{
		Use:   "plot DIR... --out FILE",
		Short: "Draw a run, or several over each other",
		Long: `Plot draws runs from their directories, finished or not, as SVG, PNG or PDF by
the ending of the file's name. Pictures:
` + kinds,
		Example: `  nas plot results/mobile --out front.pdf
  nas plot results/a results/b --out both.png
  nas plot results/mobile --what hypervolume --out growth.svg`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("want the directory of a run, such as results/mobile")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usagef("--out is missing: want a file that ends in .svg, .png or .pdf, or - for standard output")
			}
			if err := a.picture("--out", out); err != nil {
				return err
			}
			var runs []*results.Stored
			load := results.Load
			if len(args) == 1 && kind != "hypervolume" { // that grew by the run's score
				load = results.LoadTold
			}
			for _, dir := range args {
				r, err := load(dir)
				if err != nil {
					return usage(err)
				}
				runs = append(runs, r)
			}
			for _, p := range plots {
				if p.name != kind {
					continue
				}
				if len(runs) > 1 && !p.several {
					return usagef("--what %s shows one run, %d are given", kind, len(runs))
				}
				f, err := p.draw(runs)
				if err != nil {
					return err
				}
				if err := a.draw(out, f); err != nil {
					return err
				}
				if !a.quiet {
					a.notef("%s: %s of %s\n", out, kind, strings.Join(args, ", "))
				}
				return nil
			}
			return usagef("--what %q: want one of:%s", kind, kinds)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, - for standard output (SVG)")
	cmd.Flags().StringVar(&kind, "what", "front", "the picture to draw")
	return cmd
}

// picture checks the file of a flag that is to be drawn, "" for none.
func (a *app) picture(flag, name string) error {
	if name != "" && pictureFormat(name) == "" && !a.isStdout(name) {
		return usagef("%s %s: want a file that ends in .svg, .png or .pdf, or - for standard output", flag, name)
	}
	return a.place(flag, name)
}

func pictureFormat(name string) string {
	switch ending := strings.ToLower(filepath.Ext(name)); ending {
	case ".svg", ".png", ".pdf":
		return ending[1:]
	}
	return ""
}

// draw writes a figure to a file that picture has checked; to standard output as SVG.
func (a *app) draw(name string, f report.Figure) error {
	return a.save(name, func(w io.Writer) error { return report.Encode(w, cmp.Or(pictureFormat(name), "svg"), f) })
}
