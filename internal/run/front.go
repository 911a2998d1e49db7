package run

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nas/blocks"
	"nas/internal/evaluator"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/search"
)

// Member is a trial on the front.
type Member struct {
	search.Trial
	Latency  runstore.Value // predicted, ms, of the first device
	Accuracy runstore.Value
	// Expected is the accuracy to expect of a network that was selected for its estimate, in per cent; NaN
	// where nothing is known.
	Expected float64
}

// rank returns the members of the front, ordered by the first objective.
func rank(s *evaluator.Setup, summary *search.Summary, expected results.Expectation) []Member {
	var front []Member
	for _, t := range summary.Front.Trials() {
		front = append(front, Member{
			Trial: t, Latency: s.Devices[0].Latency.Of(&t.Result),
			Accuracy: runstore.FieldOf(runstore.KeyAccuracy).Of(&t.Result), Expected: expected(&t.Result),
		})
	}
	first := s.Objectives[0]
	slices.SortStableFunc(front, func(a, b Member) int {
		x, y := a.Objectives[first.Name], b.Objectives[first.Name]
		if first.Direction == search.Maximize {
			x, y = y, x
		}
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.ID, b.ID))
	})
	return front
}

// warnOutside says once if much of the front lies where the profile has measured
// no network: a profile of other networks is worth little there.
func warnOutside(s *evaluator.Setup, front []Member) {
	n, text := 0, ""
	for i := range front {
		for _, d := range s.Devices {
			if w := d.Predictor.OutsideMeasured(d.Latency.Of(&front[i].Result).Mid); w != "" {
				n, text = n+1, w
				break // a network counts once, of however many devices
			}
		}
	}
	if 4*n > len(front) {
		s.Sayf("%d of the %d networks on the front: %s: a profile that is calibrated for this space, "+
			"as profile = \"auto\" makes it, would know them better", n, len(front), text)
	}
}

// writeFront writes front.csv. onFront are the probabilities of being on the true front, by trial id.
func writeFront(
	s *evaluator.Setup, dir string, front []Member, onFront map[int]float64, expected results.Expectation,
) error {
	trials := make([]search.Trial, len(front))
	for i := range front {
		trials[i] = front[i].Trial
	}
	var others []runstore.Field
	for _, d := range s.Devices[1:] {
		others = append(others, d.Latency)
	}
	d := s.Devices[0]
	device := d.Profile.Device.String()
	err := runstore.WriteFront(dir, runstore.FrontFile, trials, d.Latency, device, onFront, expected, others)
	if err != nil {
		return err
	}
	return runstore.NoteTrained(dir)
}

// Network builds the network of a member of the front of a setup's run. Its name and its metadata
// say where it comes from.
func (m *Member) Network(s *evaluator.Setup) (*blocks.Network, error) {
	of := resolve.Trial{
		Run: s.Config.Name, ID: m.ID, ArchID: m.ArchID, Arch: m.Arch,
		Latency: m.Latency, Device: s.Devices[0].Profile.Device.String(),
	}
	return of.Network()
}

// whyNoFront says why a run found nothing, and which limits to loosen if that is why.
func whyNoFront(limits []runstore.Limit, s *search.Summary) string {
	if s.Trials == 0 {
		return fmt.Sprintf("no candidate was finished before the run ended (%s)", s.Status)
	}
	why := s.Constraints.String()
	if n, all := s.Constraints.TimedOut(); 2*n > all {
		return fmt.Sprintf("%d of %d evaluations were ended by search.timeout: give it more time, or take a faster "+
			"accuracy.proxy (%s)", n, all, why)
	}
	nearest, ok := s.Constraints.Nearest()
	if !ok {
		return why // all failed
	}
	var loosen []string
	lower := false
	for _, l := range limits {
		switch {
		case nearest.Violations[l.Name] <= 0:
		case l.AtLeast:
			lower = true
			loosen = append(loosen, "lower "+l.Name)
		default:
			loosen = append(loosen, "raise "+l.Name)
		}
	}
	if len(loosen) == 0 {
		return why
	}
	why += ": " + strings.Join(loosen, " and ") + " by that"
	if !lower {
		why += ", or give the space smaller choices"
	}
	return why
}
