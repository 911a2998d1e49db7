package run

import (
	"context"
	"io"

	"nas/internal/atomicfile"
	"nas/internal/evaluator"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/view"
	"nas/internal/work"
)

// withLive lets the live page show the progress.
func withLive(o work.Options, live *view.Live) work.Options {
	progress := o.Progress
	o.Progress = func(p work.Progress) {
		if !p.Ended {
			if p.Seconds && p.Total > 0 {
				p.Done = min(p.Done, p.Total) // it may take a little longer than its budget
			}
			live.Step(view.Step{Name: p.Step, Detail: p.String(), Done: p.Done, Total: p.Total})
		}
		if progress != nil {
			progress(p)
		}
	}
	return o
}

// watch lets the live page show this run. The networks of the literature are judged now and not at
// the end, so that the page has them.
func watch(ctx context.Context, live *view.Live, s *evaluator.Setup, store *runstore.Run) error {
	if err := live.Begin(store.Dir(), store.Manifest(), s.Config, s.Devices[0].Predictor); err != nil {
		return err
	}
	rs, err := references(ctx, s, store.Dir())
	if err != nil {
		if ctx.Err() != nil {
			return nil // the search ends in good order
		}
		return err
	}
	live.References(rs)
	return nil
}

// writeReport writes the report of a run that was plotted, with its manifest as it is now.
func writeReport(ctx context.Context, store *runstore.Run, run *results.Stored) error {
	run.Manifest = store.Manifest()
	page, err := view.Page(ctx, run)
	if err != nil {
		return err
	}
	return atomicfile.Write(store.Path(runstore.ReportFile), func(w io.Writer) error { return html.Write(w, page) })
}

// plot makes the pictures of a run, and judges the reference networks in them where that is still to be done.
func plot(ctx context.Context, s *evaluator.Setup, store *runstore.Run) (*results.Stored, error) {
	if _, err := references(ctx, s, store.Dir()); err != nil && ctx.Err() == nil {
		return nil, err
	}
	run, err := results.LoadTold(store.Dir())
	if err != nil {
		return nil, err
	}
	f, err := view.MainFigure(run)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"front.svg", "front.png"} {
		if err := report.Save(store.Path(name), f); err != nil {
			return nil, err
		}
	}
	if err := report.Save(store.Path("hypervolume.svg"), view.Growth(run)); err != nil {
		return nil, err
	}
	curves, err := view.Curves(run)
	if err != nil {
		return nil, err
	}
	if len(curves.Curves) > 0 {
		if err := report.Save(store.Path("curves.svg"), curves); err != nil {
			return nil, err
		}
	}
	if len(run.Measured) > 0 {
		if err := report.Save(store.Path("measured.svg"), view.Agreement(run)); err != nil {
			return nil, err
		}
	}
	return run, nil
}

// references returns the stored networks of the literature; they are judged and stored where they
// are missing or broken, because a plot that is drawn again must not need the models.
func references(ctx context.Context, s *evaluator.Setup, dir string) ([]runstore.Reference, error) {
	if rs, err := runstore.ReadReferences(dir); err == nil && rs != nil {
		return rs, nil
	}
	rs, err := s.References(ctx, s.Config)
	if err != nil {
		return nil, err
	}
	return rs, runstore.WriteReferences(dir, rs)
}
