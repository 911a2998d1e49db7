package run

import (
	"context"

	"nas/internal/evaluator"
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
