package train

import (
	"context"
	"sync"
	"sync/atomic"

	"nas/accuracy/images"
	"nas/blocks"
	"nas/blocks/engine"
)

// Judge returns the accuracy of a network on a set of images, in per cent: the share whose label has the largest
// output. It computes as nas infer does, with a number of goroutines, at least one.
func Judge(ctx context.Context, n *blocks.Network, w *blocks.Weights, set *images.Set, workers int) (float64, error) {
	var right, next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, max(1, workers))
	for k := range errs {
		wait.Go(func() {
			p, err := engine.Compile(n, engine.Host(1), engine.Options{})
			if err == nil {
				err = p.Bind(w)
			}
			if err != nil {
				errs[k] = err
				return
			}
			x, y := make([]float32, p.InLen()), make([]float32, p.OutLen())
			for i := int(next.Add(1)) - 1; i < set.Len() && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				plain(x, set.Image(i))
				if errs[k] = p.Run(y, x); errs[k] != nil {
					return
				}
				best := 0
				for c, v := range y {
					if v > y[best] {
						best = c
					}
				}
				if best == set.Label(i) {
					right.Add(1)
				}
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return 100 * float64(right.Load()) / float64(set.Len()), nil
}
