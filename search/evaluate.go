package search

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"nas/internal/fault"
)

// errStopping marks an evaluation that says nothing about the candidate because
// the run was being stopped.
var errStopping = fault.New("search: stopping")

// outcome is what a worker sends back.
type outcome struct {
	trial Trial
	err   error
}

// worker evaluates tasks until there are none.
func (l *loop) worker(ctx context.Context, e Evaluator) {
	for c := range l.tasks {
		l.options.wait(ctx)
		if ctx.Err() != nil { // the run ends; this one was not begun
			l.results <- outcome{err: errStopping}
			continue
		}
		c.Describe()
		r, err := Judge(ctx, e, c, l.objectives, l.options.Timeout)
		if err != nil {
			l.results <- outcome{err: err}
			continue
		}
		l.results <- outcome{trial: NewTrial(c, r)}
	}
}

// start starts what evaluates the tasks.
func (l *loop) start(ctx context.Context, e Evaluator, workers int) {
	if q, ok := e.(Queue); ok {
		go l.submitter(ctx, q)
		return
	}
	for range workers {
		go l.worker(ctx, e)
	}
}

// submitter hands tasks to a queue until there are none.
func (l *loop) submitter(ctx context.Context, q Queue) {
	for c := range l.tasks {
		l.options.wait(ctx)
		if ctx.Err() != nil {
			l.results <- outcome{err: errStopping}
			continue
		}
		c.Describe()
		q.Submit(ctx, c, func(r Result, err error) {
			if err != nil {
				l.results <- outcome{err: err}
				return
			}
			r.Failed = r.check(l.objectives)
			l.results <- outcome{trial: NewTrial(c, r)}
		})
	}
}

// evaluate returns the result of a candidate; errors and panics of the evaluator
// become failed results. The error is errStopping when ctx was done, because
// the result may then be that of an interrupted evaluation.
func evaluate(ctx context.Context, e Evaluator, c Candidate, timeout time.Duration) (r Result, err error) {
	inner := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		inner, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			r, err = Result{Failed: panicReason(p)}, nil
		}
	}()
	r, err = e.Evaluate(inner, c)
	switch {
	case err == nil:
		return r, nil
	case errors.As(err, new(*abortion)):
		return r, err
	case ctx.Err() != nil:
		return r, errStopping
	case errors.Is(err, context.DeadlineExceeded) && inner.Err() != nil:
		r.Failed = fmt.Sprintf("%s %v", timedOut, timeout)
	default:
		r.Failed = err.Error()
	}
	if r.Failed == "" {
		r.Failed = "the evaluator returned an error without text"
	}
	return r, nil
}

// panicReason names a panic and the place it came from. Called from the
// deferred function, it finds that place behind the runtime's own frames.
func panicReason(p any) string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.File != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("panic: %v (%s:%d)", p, filepath.Base(f.File), f.Line)
		}
		if !more {
			return fmt.Sprintf("panic: %v", p)
		}
	}
}
