package calibrate

import (
	"iter"
	"sync"
)

// pull is iter.Pull with a goroutine: a coroutine may not be resumed from a
// thread that was locked after it was made. The goroutine works only while next
// waits for it, so that it disturbs no timing.
func pull[T any](seq iter.Seq[T]) (next func() (T, bool), stop func()) {
	ask, answer := make(chan bool), make(chan T)
	go func() {
		defer close(answer)
		if !<-ask {
			return
		}
		for v := range seq {
			answer <- v
			if !<-ask {
				return
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(ask) })
	next = func() (T, bool) {
		select {
		case ask <- true:
		case <-answer: // closed: the sequence has ended
		}
		v, ok := <-answer
		return v, ok
	}
	return next, stop
}
