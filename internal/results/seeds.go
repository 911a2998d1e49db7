package results

import (
	"fmt"
	"slices"

	"nas/internal/config"
	"nas/internal/stat"
	"nas/search"
)

// SeedAgreement says how far runs of one config with different seeds agree.
type SeedAgreement struct {
	Runs   int       `json:"runs"`
	Volume []float64 `json:"hypervolume"` // one a run
	Median float64   `json:"hypervolume_median"`
	Min    float64   `json:"hypervolume_min"`
	Max    float64   `json:"hypervolume_max"`
	Joint  float64   `json:"hypervolume_of_all"` // of the fronts together
	// OverlapPct is the mean over pairs of runs of the networks on both fronts, in per cent of
	// those on either. SurvivePct is the mean share of a run's front that no other run's network
	// dominates.
	OverlapPct float64 `json:"front_overlap_pct"`
	SurvivePct float64 `json:"front_surviving_pct"`
}

// CompareSeeds compares runs. They must share objectives, reference point and scale.
func CompareSeeds(runs []*Stored) (*SeedAgreement, error) {
	first := runs[0]
	all, err := search.NewFront(first.Manifest.Objectives, first.Manifest.Reference)
	if err != nil {
		return nil, err
	}
	out := &SeedAgreement{Runs: len(runs)}
	for _, s := range runs {
		a, b := &first.Manifest, &s.Manifest
		if !SameScale(a, b) || !slices.Equal(a.Objectives, b.Objectives) || !slices.Equal(a.Reference, b.Reference) {
			return nil, config.Usagef("%s and %s differ in their objectives, reference point or scale: "+
				"their hypervolumes cannot be compared", first.Dir, s.Dir)
		}
		out.Volume = append(out.Volume, s.Front.Hypervolume())
		for _, t := range s.Front.Trials() {
			all.Add(t)
		}
	}
	out.Min, out.Median, out.Max = slices.Min(out.Volume), stat.Median(slices.Clone(out.Volume)), slices.Max(out.Volume)
	out.Joint = all.Hypervolume()
	// Of equal networks the first run's is a member of the joint front: all count.
	kept := archIDs(all)
	fronts := make([]map[string]bool, len(runs))
	for i, s := range runs {
		fronts[i] = archIDs(s.Front)
		out.SurvivePct += 100 * float64(countBoth(fronts[i], kept)) / float64(max(1, len(fronts[i]))) / float64(len(runs))
	}
	pairs := 0
	for i, a := range fronts {
		for _, b := range fronts[:i] {
			both := countBoth(a, b)
			if either := len(a) + len(b) - both; either > 0 {
				out.OverlapPct += 100 * float64(both) / float64(either)
			}
			pairs++
		}
	}
	out.OverlapPct /= float64(max(1, pairs))
	return out, nil
}

// archIDs is the set of networks on a front.
func archIDs(f *search.Front) map[string]bool {
	ids := map[string]bool{}
	for _, t := range f.Trials() {
		ids[t.ArchID] = true
	}
	return ids
}

func countBoth(a, b map[string]bool) (n int) {
	for id := range a {
		if b[id] {
			n++
		}
	}
	return n
}

// String is what a person reads.
func (s *SeedAgreement) String() string {
	return fmt.Sprintf("%d seeds: hypervolume median %.4g, %.4g to %.4g (all fronts together %.4g); "+
		"%.0f %% of a front is on another seed's too, %.0f %% of it survives the others",
		s.Runs, s.Median, s.Min, s.Max, s.Joint, s.OverlapPct, s.SurvivePct)
}
