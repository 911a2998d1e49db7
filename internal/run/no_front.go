package run

import (
	"fmt"
	"strings"

	"nas/internal/runstore"
	"nas/search"
)

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
