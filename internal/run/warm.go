package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nas/internal/config"
	"nas/search"
)

// warmShare is the share of the population that earlier runs may fill: the rest
// is drawn, so that the search can leave what it was given.
const warmShare = 0.5

// warm puts networks of the fronts of earlier runs in front of the population,
// spread evenly over each front. They become part of the config, so the run can be
// resumed and repeated without those directories.
func (p *pipeline) warm(context.Context) error {
	room := int(warmShare * float64(cmp.Or(p.cfg.Search.Population, search.DefaultPopulation(p.cfg.Search.Evaluations))))
	for i, dir := range p.WarmStart {
		s, err := Load(dir)
		if err != nil {
			return config.Usage(err)
		}
		p.earlier = append(p.earlier, s)
		members := s.Front.Trials()
		share := room / (len(p.WarmStart) - i)
		for _, k := range spread(len(members), min(share, len(members))) {
			p.cfg.Search.Start = append(p.cfg.Search.Start, members[k].Arch)
			room--
		}
	}
	return nil
}

// sameScale refuses earlier runs whose scores cannot stand beside this run's.
func (p *pipeline) sameScale(context.Context) error {
	for _, s := range p.earlier {
		id, is := s.Manifest.ScaleID, p.eval.accuracy.Info().ScaleID
		if id != is || s.Manifest.Notes["accuracy"] != p.eval.accuracy.String() {
			return config.Usagef("run: %s scores accuracy on another scale (%s, scale id %q) than this run (%s, scale id %q): a warm start needs the same space, accuracy.proxy and accuracy.seed",
				s.Dir, s.Manifest.Notes["accuracy"], id, p.eval.accuracy, is)
		}
	}
	return nil
}

// SeedSpread says how far runs of one config with different seeds agree.
type SeedSpread struct {
	Runs   int       `json:"runs"`
	Volume []float64 `json:"hypervolume"` // one a run
	Median float64   `json:"hypervolume_median"`
	Min    float64   `json:"hypervolume_min"`
	Max    float64   `json:"hypervolume_max"`
	Joint  float64   `json:"hypervolume_of_all"` // of the fronts together
	// OverlapPct is the mean over pairs of runs of the networks on both fronts, in
	// per cent of those on either; SurvivePct the mean share of a run's front that no
	// other run's network dominates.
	OverlapPct float64 `json:"front_overlap_pct"`
	SurvivePct float64 `json:"front_surviving_pct"`
}

// Spread compares runs. They must share objectives, reference point and scale.
func Spread(runs []*Stored) (*SeedSpread, error) {
	first := runs[0]
	all, err := search.NewFront(first.Manifest.Objectives, first.Manifest.Reference)
	if err != nil {
		return nil, err
	}
	out := &SeedSpread{Runs: len(runs)}
	for _, s := range runs {
		a, b := first.Manifest, s.Manifest
		if a.ScaleID != b.ScaleID || a.Notes["accuracy"] != b.Notes["accuracy"] || fmt.Sprint(a.Objectives, a.Reference) != fmt.Sprint(b.Objectives, b.Reference) {
			return nil, config.Usagef("run: %s and %s differ in their objectives, reference point or scale: their hypervolumes cannot be compared", first.Dir, s.Dir)
		}
		out.Volume = append(out.Volume, s.Front.Hypervolume())
		for _, t := range s.Front.Trials() {
			all.Add(t)
		}
	}
	out.Min, out.Median, out.Max = threeNumbers(out.Volume)
	out.Joint = all.Hypervolume()
	// Of equal networks the first run's is a member of the joint front: all count.
	kept := map[string]bool{}
	for _, t := range all.Trials() {
		kept[t.ArchID] = true
	}
	ids := make([]map[string]bool, len(runs))
	for i, s := range runs {
		ids[i] = map[string]bool{}
		survive := 0.0
		for _, t := range s.Front.Trials() {
			ids[i][t.ArchID] = true
			if kept[t.ArchID] {
				survive++
			}
		}
		out.SurvivePct += 100 * survive / float64(max(1, len(ids[i]))) / float64(len(runs))
	}
	pairs := 0
	for i := range ids {
		for k := range i {
			both := 0
			for id := range ids[i] {
				if ids[k][id] {
					both++
				}
			}
			if either := len(ids[i]) + len(ids[k]) - both; either > 0 {
				out.OverlapPct += 100 * float64(both) / float64(either)
			}
			pairs++
		}
	}
	out.OverlapPct /= float64(max(1, pairs))
	return out, nil
}

func threeNumbers(v []float64) (low, median, high float64) {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return s[0], (s[(n-1)/2] + s[n/2]) / 2, s[n-1]
}

// String is what a person reads.
func (s *SeedSpread) String() string {
	return fmt.Sprintf("%d seeds: hypervolume median %.4g, %.4g to %.4g (all fronts together %.4g); %.0f %% of a front is on another seed's too, %.0f %% of it survives the others",
		s.Runs, s.Median, s.Min, s.Max, s.Joint, s.OverlapPct, s.SurvivePct)
}
