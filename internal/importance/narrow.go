package importance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nas/internal/fault"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// When a space is narrowed.
const (
	nearTrials      = 60 // the trials near the front: the first non-dominated fronts that hold so many
	networksAChoice = 6  // of them for each choice of a gene, before a choice that none takes is left out
	leastExplained  = 50 // per cent, before a gene counts as noise
)

// Cut is a gene that lost choices.
type Cut struct {
	Gene string   `json:"gene"`
	Kept []string `json:"kept"`
	Left []string `json:"left_out"`
	Why  string   `json:"why"`
}

// Narrow returns the space of a run without what it showed not to matter: genes that change no objective by more
// than noise are fixed to the choice that is most common near the front, and choices that no network near the
// front takes are left out. A cut that makes the space impossible is not made. The error says that the run cannot
// be read or has too few trials.
func Narrow(ctx context.Context, s *results.Stored) (space.Spec, []Cut, error) {
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return space.Spec{}, nil, err
	}
	spec := sp.Spec()
	reports, err := OfRun(ctx, s, Options{})
	if err != nil {
		return spec, nil, err
	}
	near, err := nearFront(s)
	if err != nil {
		return spec, nil, err
	}
	if len(near) == 0 {
		return spec, nil, fault.Errorf("importance: no trial of %s keeps the limits: the run does not show what to keep",
			s.Dir)
	}
	var cuts []Cut
	for _, r := range rowsOf(sp.Genes(), false) {
		u := usageOf(sp, r, near)
		choices := sp.Genes()[r.genes[0]].Choices
		keep, why := u.taken()
		if reason, ok := noiseIn(reports, r.name); ok && u.networks > 0 {
			keep = []int{u.common()}
			why = reason + "; " + choices[keep[0]] + " is the most common near the front"
		}
		if len(keep) == len(choices) {
			continue
		}
		narrowed, err := spec.Narrow(r.name, keep)
		if err != nil {
			return spec, nil, err
		}
		if _, err := space.New(narrowed); err != nil {
			continue
		}
		spec = narrowed
		c := Cut{Gene: r.name, Why: why}
		for i, choice := range choices {
			if slices.Contains(keep, i) {
				c.Kept = append(c.Kept, choice)
			} else {
				c.Left = append(c.Left, choice)
			}
		}
		cuts = append(cuts, c)
	}
	return spec, cuts, nil
}

// noiseIn says why a gene counts as noise, if it does for all values.
func noiseIn(reports []*Report, gene string) (why string, ok bool) {
	var parts []string
	for _, r := range reports {
		g := r.Genes[slices.IndexFunc(r.Genes, func(g Gene) bool { return g.Name == gene })]
		if !g.Noise || !(r.Explained >= leastExplained) {
			return "", false
		}
		parts = append(parts, fmt.Sprintf("%.1f %% of %s", max(0, g.Total.Pct), r.Value))
	}
	return "no more than noise: " + strings.Join(parts, ", "), true
}

// nearFront returns the feasible trials of the first non-dominated fronts.
func nearFront(s *results.Stored) (near []space.Genes, err error) {
	var points [][]float64
	var genes []space.Genes
	for t, err := range runstore.ReadTrials(s.Dir) {
		if err != nil {
			return nil, err
		}
		if !t.Feasible() {
			continue
		}
		var p []float64
		for _, o := range s.Manifest.Objectives {
			v := runstore.Number(&t.Result, o.Name)
			if o.Direction == search.Maximize {
				v = -v
			}
			p = append(p, v)
		}
		points, genes = append(points, p), append(genes, t.Genes)
	}
	if len(points) == 0 {
		return nil, nil
	}
	ranks, _ := search.Sort(points, make([]float64, len(points)))
	for rank := 0; len(near) < min(nearTrials, len(genes)); rank++ {
		for i, r := range ranks {
			if r == rank {
				near = append(near, genes[i])
			}
		}
	}
	return near, nil
}

// choiceUsage is how often the choices of a row are taken.
type choiceUsage struct {
	counts   []int // of blocks, by choice
	networks int   // that have a gene of the row
}

func usageOf(sp *space.Space, r row, networks []space.Genes) choiceUsage {
	u := choiceUsage{counts: make([]int, len(sp.Genes()[r.genes[0]].Choices))}
	var live []bool
	for _, g := range networks {
		live = sp.Live(g, live)
		has := false
		for _, i := range r.genes {
			if live[i] {
				u.counts[g[i]]++
				has = true
			}
		}
		if has {
			u.networks++
		}
	}
	return u
}

// common is the choice taken most often.
func (u choiceUsage) common() int { return slices.Index(u.counts, slices.Max(u.counts)) }

// taken returns the choices that some network takes; all of them if too few networks have the gene.
func (u choiceUsage) taken() (keep []int, why string) {
	all := make([]int, len(u.counts))
	for i, n := range u.counts {
		all[i] = i
		if n > 0 {
			keep = append(keep, i)
		}
	}
	if u.networks < networksAChoice*len(u.counts) {
		return all, ""
	}
	return keep, fmt.Sprintf("taken by none of the %d networks near the front that have the gene", u.networks)
}
