package search

import "time"

// Progress is a look at a run.
type Progress struct {
	Trials      int // told so far, replayed ones included
	Replayed    int
	Evaluations int // trials that were not screened out by cheap constraints
	Feasible    int
	Failed      int
	Front       int       // members
	Best        []float64 // the best feasible value of each objective; nil if none
	Hypervolume float64
	Growth      float64 // of it over the last Stop.Plateau evaluations, as a share; 0 until that is known
	Elapsed     time.Duration
	Rate        float64 // trials a second of this process, without replayed ones
}

func (l *loop) progress() Progress {
	now := time.Now()
	p := Progress{
		Trials: l.told, Replayed: l.replayed, Evaluations: l.evaluations,
		Feasible: l.constraints.feasible, Failed: l.constraints.failed,
		Front: l.front.Len(), Hypervolume: l.front.Hypervolume(), Growth: l.plateau.growth,
		Elapsed: now.Sub(l.began),
	}
	if l.best != nil {
		p.Best = costs(l.best, l.objectives)
	}
	if worked := now.Sub(l.workBegan).Seconds(); !l.workBegan.IsZero() && worked > 0 {
		p.Rate = float64(l.told-l.replayed) / worked
	}
	return p
}

func (l *loop) report() {
	if l.options.Progress != nil {
		l.reported = time.Now()
		l.options.Progress(l.progress())
	}
}
