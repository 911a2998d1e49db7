package work

import (
	"fmt"

	"nas/search"
)

// Options say how work is done. They never change a result.
type Options struct {
	// Workers is how many networks are judged at once. 0 means one for each processor.
	Workers int
	// Elsewhere says that other machines evaluate the candidates: what a training needs is there, and not looked for here.
	Elsewhere bool
	// Say is called with one line of text at each step. Progress is called from time to time within
	// a step. Both may be nil and are called from one goroutine at a time.
	Say      func(string)
	Progress func(Progress)
}

// Sayf formats a line for Say.
func (o Options) Sayf(format string, a ...any) {
	if o.Say != nil {
		o.Say(fmt.Sprintf(format, a...))
	}
}

// Report calls Progress.
func (o Options) Report(p Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}

// Progress is how far a step has come.
type Progress struct {
	Step    string // "calibrate", "search", "measure", "measure again"
	Done    int
	Total   int              // 0 if unknown
	Seconds bool             // Done and Total are seconds
	Search  *search.Progress // of the step "search"
	Note    string           // what else there is to say, in a few words
	Ended   bool             // the step is over, though Done may be less than Total
}

// String is Done of Total, with the unit.
func (p Progress) String() string {
	s := fmt.Sprint(p.Done)
	if p.Total > 0 {
		s += fmt.Sprintf(" of %d", p.Total)
	}
	if p.Seconds {
		s += " s"
	}
	if p.Note != "" {
		s += "; " + p.Note
	}
	return s
}
