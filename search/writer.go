package search

// writer passes trials to a sink from a goroutine of its own, so that a slow disk
// delays neither asking nor telling. The trials that arrive while a batch is stored
// are the next batch.
type writer struct {
	in     chan Trial
	failed chan struct{} // closed when the sink has failed
	done   chan struct{} // closed when all is stored
	err    error         // of the sink; read it after done
}

// batchLimit is how many trials may wait for the sink before the run waits too.
const batchLimit = 256

func newWriter(sink Sink) *writer {
	w := &writer{in: make(chan Trial, batchLimit), failed: make(chan struct{}), done: make(chan struct{})}
	go w.loop(sink)
	return w
}

func (w *writer) loop(sink Sink) {
	defer close(w.done)
	var batch []Trial
	for t := range w.in {
		if w.err != nil || sink == nil {
			continue // drain, so that put never blocks for good
		}
		batch = append(batch[:0], t)
	more:
		for len(batch) < batchLimit {
			select {
			case t, ok := <-w.in:
				if !ok {
					break more
				}
				batch = append(batch, t)
			default:
				break more
			}
		}
		if w.err = sink.Append(batch); w.err != nil {
			close(w.failed)
		}
	}
}

func (w *writer) put(t Trial) { w.in <- t }

// close waits until everything is stored and returns the sink's error.
func (w *writer) close() error {
	close(w.in)
	<-w.done
	return w.err
}
