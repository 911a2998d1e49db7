package results

import (
	"path/filepath"
	"strconv"

	"nas/internal/report"
	"nas/internal/rungs"
	"nas/internal/runstore"
)

// Curves returns the learning curves of the networks that a run trained, those on its front by the numbers of their
// trials; nil if it trained none.
func (s *Stored) Curves() (curves []report.Curve, err error) {
	reports := map[string][]report.XY{} // by arch id
	for e, n := range rungs.Entries(filepath.Join(s.Dir, runstore.TrainingFile)) {
		if n < 0 || e.Damaged() {
			continue // a run without trainings, or a line that is passed over when the run is resumed, too
		}
		at := reports[e.ArchID]
		for _, r := range e.Curve {
			if r.Epoch > 0 && (len(at) == 0 || r.Epoch > at[len(at)-1].X) {
				at = append(at, report.XY{X: r.Epoch, Y: r.Accuracy})
			}
		}
		if end := float64(e.Epochs); len(at) == 0 || at[len(at)-1].X < end {
			at = append(at, report.XY{X: end, Y: e.Accuracy})
		}
		reports[e.ArchID] = at
	}
	if len(reports) == 0 {
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
		c := report.Curve{Points: reports[t.ArchID], Stopped: t.Stopped, Front: front[t.ID]}
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
