package run

import (
	"context"
	"io"
	"time"

	"nas/internal/atomicfile"
	"nas/internal/evaluator"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/results"
	"nas/internal/runstore"
)

// write makes what is derived from the stored trials, and notes how the run ended. The report comes
// last, because it says that, too.
func write(ctx context.Context, s *evaluator.Setup, store *runstore.Run, out *Outcome, started time.Time) (err error) {
	var run *results.Stored
	if len(out.Front) > 0 {
		if run, err = draw(ctx, s, store); err != nil {
			return err
		}
	}
	if err := recordEnd(store, out, started); err != nil {
		return err
	}
	if run == nil || len(s.Objectives) < 2 {
		return nil
	}
	run.Manifest = store.Manifest()
	page, err := run.Page()
	if err != nil {
		return err
	}
	return atomicfile.Write(store.Path(runstore.ReportFile), func(w io.Writer) error { return html.Write(w, page) })
}

// draw makes the pictures.
func draw(ctx context.Context, s *evaluator.Setup, store *runstore.Run) (*results.Stored, error) {
	if _, err := references(ctx, s, store.Dir()); err != nil && ctx.Err() == nil {
		return nil, err
	}
	run, err := results.Load(store.Dir())
	if err != nil {
		return nil, err
	}
	if len(s.Objectives) > 1 {
		f, err := results.Figure(run)
		if err != nil {
			return nil, err
		}
		for _, name := range []string{"front.svg", "front.png"} {
			if err := report.Save(store.Path(name), f); err != nil {
				return nil, err
			}
		}
	}
	if err := report.Save(store.Path("hypervolume.svg"), results.Growth(run)); err != nil {
		return nil, err
	}
	if len(run.Measured) > 0 {
		if err := report.Save(store.Path("measured.svg"), run.Agreement()); err != nil {
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
	rs, err := s.References(ctx)
	if err != nil {
		return nil, err
	}
	return rs, runstore.WriteReferences(dir, rs)
}
