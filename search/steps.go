package search

import (
	"context"
	"time"

	"nas/internal/fault"
)

// Steps is the loop of [Run] in the hands of its caller, who says when to ask and when to tell. It is for evaluations
// that outlive a process, or that wait for many machines. The trials are those of Run with the same searcher and stop.
//
// It is not safe for concurrent use.
type Steps struct{ loop *loop }

// NewSteps tells o.Replay and asks for the candidates that follow. Of o it uses Stop but for its Time, Reference,
// Replay, Observe and Progress. The errors are those of [Run].
func NewSteps(s Searcher, objectives []Objective, o Options) (*Steps, error) {
	l, err := newLoop(s, objectives, o)
	if err != nil {
		return nil, err
	}
	if err := l.replay(); err != nil {
		return nil, err
	}
	x := &Steps{l}
	return x, x.ask()
}

// ask asks for all candidates that can be asked for.
func (s *Steps) ask() error {
	if s.loop.status != StatusRunning {
		return nil
	}
	if err := s.loop.ask(s.loop.options.Stop.Trials); err != nil {
		return err
	}
	if s.loop.exhausted && s.loop.told == s.loop.asked {
		s.loop.status = StatusExhausted
	}
	return nil
}

// Pending returns the candidates that were asked for and not told, in the order of their ids, described. The slice is
// valid until the next Tell. There are none once Status is not [StatusRunning].
func (s *Steps) Pending() []Candidate {
	if s.loop.status != StatusRunning {
		return nil
	}
	for i := range s.loop.queue {
		s.loop.queue[i].name()
	}
	return s.loop.queue
}

// Tell hands the searcher the result of the first candidate of Pending, and asks for those that follow from it. It
// returns the trial.
func (s *Steps) Tell(r Result) (Trial, error) {
	l := s.loop
	if l.status != StatusRunning || len(l.queue) == 0 {
		return Trial{}, fault.New("search: a result is told where no candidate waits for one")
	}
	t := NewTrial(l.queue[0], r)
	l.queue = l.queue[1:]
	if err := l.tell(t); err != nil {
		return t, err
	}
	return t, s.ask()
}

// Status is [StatusRunning] until a criterion of the stop is met.
func (s *Steps) Status() Status { return s.loop.status }

// Progress says how far the run has come.
func (s *Steps) Progress() Progress { return s.loop.progress() }

// Judge returns what [Run] would record for a candidate: the result of e, in which errors, panics, the end of a time
// limit and missing objectives are the reason of a failure. A timeout of 0 is none. The error is that of a context that
// is done: the result then says nothing.
func Judge(
	ctx context.Context, e Evaluator, c Candidate, objectives []Objective, timeout time.Duration,
) (Result, error) {
	r, err := evaluate(ctx, e, c, timeout)
	if err != nil {
		return r, err
	}
	r.Failed = r.check(objectives)
	return r, nil
}
