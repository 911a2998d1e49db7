package fleet

import (
	"context"

	"nas/internal/tasks"
)

// Before lets a function run before each task of a worker.
func (w *Worker) Before(f func(context.Context, *tasks.Task) error) { w.before = f }

// Subjects of a run, for strangers.
func Subjects(run string) []string {
	var all []string
	for _, of := range []string{ofOutcomes, ofClaims, ofReturns, ofSetup, ofBeats} {
		all = append(all, callSubject(run, of))
	}
	return all
}
