package accuracy

import (
	"context"
	"runtime"
	"sync"

	"nas/blocks"

	"golang.org/x/sync/errgroup"
)

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

// forEach calls f for each different network of a list, with its index there, workers of them at a time
// (0: as many as processors), and returns for each network of the list the index that f was called with.
func forEach(
	ctx context.Context, nets []*blocks.Network, workers int, f func(ctx context.Context, i int) error,
) (first []int, err error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	first = make([]int, len(nets))
	seen := make(map[*blocks.Network]int, len(nets))
	var todo []int
	for i, n := range nets {
		k, ok := seen[n]
		if !ok {
			k, seen[n] = i, i
			todo = append(todo, i)
		}
		first[i] = k
	}
	var mu sync.Mutex
	done := 0
	ReportProgress(ctx, "score", 0, len(todo))
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, i := range todo {
		g.Go(func() error {
			if inner.Err() != nil {
				return context.Cause(inner)
			}
			if err := f(inner, i); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			ReportProgress(ctx, "score", done, len(todo))
			return nil
		})
	}
	return first, g.Wait()
}
