package results

import (
	"fmt"
	"path/filepath"
	"strconv"

	"nas/accuracy/training"
	"nas/internal/report"
	"nas/internal/rungs"
	"nas/internal/runstore"
)

// Learned are the accuracies of the networks that a run trained, by arch id: epochs, and the value after them, in
// rising order.
type Learned map[string][]report.XY

// Add adds an accuracy of a network, unless one after as many epochs is there. It reports whether it did.
func (l Learned) Add(archID string, r training.Report) bool {
	at := l[archID]
	if !(r.Epoch > 0) || len(at) > 0 && r.Epoch <= at[len(at)-1].X {
		return false
	}
	l[archID] = append(at, report.XY{X: r.Epoch, Y: r.Accuracy})
	return true
}

// ReadLearned reads what the run in a directory trained; nothing if it trains none.
func ReadLearned(dir string) Learned {
	l := Learned{}
	for e, err := range rungs.Entries(filepath.Join(dir, runstore.TrainingFile)) {
		if err != nil {
			break // a run without trainings
		}
		for _, r := range e.Curve {
			l.Add(e.ArchID, r)
		}
		l.Add(e.ArchID, training.Report{Epoch: float64(e.Epochs), Accuracy: e.Accuracy})
	}
	return l
}

// Curves returns the learning curves of the networks that a run trained, those on its front by the numbers of their
// trials; nil if it trained none.
func (s *Stored) Curves() (curves []report.Curve, err error) {
	learned := ReadLearned(s.Dir)
	if len(learned) == 0 {
		return nil, nil
	}
	front := map[int]bool{}
	for _, t := range s.Front.Trials() {
		front[t.ID] = true
	}
	at := map[int]int{} // in curves, by trial
	for t, err := range runstore.ReadTrials(s.Dir) {
		if err != nil {
			return nil, err
		}
		c := report.Curve{Points: learned[t.ArchID], Stopped: t.Stopped, Front: front[t.ID]}
		if c.Front {
			c.Name = strconv.Itoa(t.ID)
		}
		if len(c.Points) == 0 {
			continue
		}
		if t.Continues > 0 && len(t.Parents) == 1 {
			if i, ok := at[t.Parents[0]]; ok { // one network, one curve
				curves[i], at[t.ID] = c, i
				continue
			}
		}
		at[t.ID] = len(curves)
		curves = append(curves, c)
	}
	return curves, nil
}

// CurvesFigure draws learning curves of a run of that name; label is that of its accuracy.
func CurvesFigure(name, label string, curves []report.Curve) report.Curves {
	var stopped, front, running int
	for _, c := range curves {
		switch {
		case c.Running:
			running++
		case c.Stopped:
			stopped++
		}
		if c.Front {
			front++
		}
	}
	f := report.Curves{
		Title: name + ": learning curves",
		Subtitle: fmt.Sprintf("%d networks trained, %d of them to the end, %d on the front", len(curves)-running,
			len(curves)-running-stopped, front),
		YLabel: label, Curves: curves, Notes: []string{"The numbers are those of the trials."},
	}
	if running > 0 {
		f.Subtitle += fmt.Sprintf("; %d at work", running)
	}
	return f
}
