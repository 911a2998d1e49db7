package accuracy

import "context"

// progressKey is the key of a context's [Progress].
type progressKey struct{}

// A Progress is told how far a step has come: done of total networks, or draws. It is called by
// one goroutine at a time.
type Progress func(step string, done, total int)

// WithProgress returns a context that has long work of this package tell p how far it is.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// ReportProgress tells the [Progress] of a context, if it has one, how far a step has come.
func ReportProgress(ctx context.Context, step string, done, total int) {
	if p, ok := ctx.Value(progressKey{}).(Progress); ok {
		p(step, done, total)
	}
}
