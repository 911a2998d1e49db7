package search

import (
	"cmp"
	"fmt"
	"time"
)

// Status is how a run ended. No status is an error.
type Status int

// How a run ends.
const (
	StatusRunning     Status = iota // it has not
	StatusTrials                    // Stop.Trials reached
	StatusEvaluations               // Stop.Evaluations reached
	StatusTime                      // Stop.Time is over
	StatusPlateau                   // the hypervolume no longer grows
	StatusExhausted                 // every network of the space has been tried
	StatusInterrupted               // the context was done
	StatusFailed                    // Run returns an error
)

var statusNames = [...]string{
	"running", "trials", "evaluations", "time", "plateau", "exhausted", "interrupted", "failed",
}

// String returns one lower-case word.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return fmt.Sprintf("Status(%d)", int(s))
	}
	return statusNames[s]
}

// Stop says when a run ends; the first criterion met ends it. The zero Stop ends
// only when the space is exhausted. All but Time depend on nothing but the
// trials, so they end a run at the same trial for any number of workers.
type Stop struct {
	// Trials is how many candidates are asked for at most. 0 means no limit.
	Trials int
	// Evaluations is how many trials that were not screened out by cheap
	// constraints there are at most. 0 means no limit.
	Evaluations int
	// Time is how long this process works at most, replay included. 0 means no limit.
	Time time.Duration
	// Plateau ends the run when the hypervolume of the front has grown by less
	// than the share PlateauGain over so many evaluations. 0 means never. It
	// needs a reference point.
	Plateau     int
	PlateauGain float64 // 0 means 0.001, a tenth of a per cent
}

func (s Stop) plateauGain() float64 { return cmp.Or(s.PlateauGain, 0.001) }

// Why says in words why a run with this stop ended with a status; "" for one that
// explains itself.
func (s Stop) Why(status Status) string {
	switch status {
	case StatusTrials:
		return fmt.Sprintf("%d networks were tried, as many as allowed", s.Trials)
	case StatusEvaluations:
		return fmt.Sprintf("%d networks were scored, as many as allowed", s.Evaluations)
	case StatusTime:
		return fmt.Sprintf("the search took %v, as long as allowed", s.Time)
	case StatusPlateau:
		return fmt.Sprintf("the hypervolume grew by less than %.2g %% over the last %d scored networks",
			100*s.plateauGain(), s.Plateau)
	case StatusExhausted:
		return "every network of the space was tried"
	}
	return ""
}

// plateau watches the hypervolume over evaluations.
type plateau struct {
	window int
	gain   float64
	past   []float64 // ring: the volume after each of the last window evaluations
	n      int
	growth float64 // over the window, as a share of the volume before it; 0 until that is known
}

// done records the volume after one more evaluation and reports whether it has
// stalled. A volume of zero has not begun to grow.
func (p *plateau) done(volume float64) bool {
	if p.window == 0 {
		return false
	}
	if len(p.past) < p.window {
		p.past = append(p.past, volume)
		return false
	}
	slot := &p.past[p.n%p.window]
	before := *slot
	*slot = volume
	p.n++
	if before <= 0 {
		return false
	}
	p.growth = (volume - before) / before
	return p.growth < p.gain
}
