package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nas/accuracy"
	"nas/internal/evaluator"
	"nas/internal/random"
	"nas/internal/runstore"
	"nas/space"
)

// Blind returns the keys of the genes of a space that the score cannot see. Of an estimate that takes
// microseconds they are measured: no flip on 64 networks changes it by anything but its charges for what it does
// not know. Of a score that runs networks they are those that it declares.
func Blind(ctx context.Context, s *evaluator.Setup) (keys []string, err error) {
	declared := genesOf(s.Accuracy.Info().Blind)
	seen, bases := map[string]bool{}, []space.Genes(nil)
	_, fast := s.Accuracy.(accuracy.ChainEstimator)
	if fast {
		bases = drawBases(s)
	}
	r := random.Stream(s.Config.Accuracy.Seed, "measured")
	for _, group := range groupGenes(s.Space.Genes(), false) {
		for i := 0; i < len(bases) && !seen[group.key]; i++ {
			gene, ok := liveGene(s.Space, bases[i], group.genes, r)
			if !ok {
				continue
			}
			flipped, ok := flip(s.Space, bases[i], gene, r)
			if !ok {
				continue
			}
			a, errA := uncharged(ctx, s, bases[i])
			b, errB := uncharged(ctx, s, flipped)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if errA == nil && errB == nil { // of a network that the score refuses it says nothing
				seen[group.key] = visible(1, a-b, 0, 0)
			}
		}
		if blind := fast && !seen[group.key] || !fast && declared[group.key]; blind && !slices.Contains(keys, group.key) {
			keys = append(keys, group.key)
		}
	}
	return slices.DeleteFunc(keys, func(k string) bool { return seen[k] }), nil
}

// uncharged is the score of a network without what it is lowered by.
func uncharged(ctx context.Context, s *evaluator.Setup, g space.Genes) (float64, error) {
	n, err := s.Space.Arch(g).Network()
	if err != nil {
		return 0, err
	}
	v, err := s.Accuracy.Estimate(ctx, n)
	for _, c := range v.Charges {
		v.Value += c.Points
	}
	return v.Value, err
}

// WarnBlind says, before a search, which genes the score cannot see (squeeze-and-excite, dilation, activations ...),
// and which choice will win for that reason. keys are those that [Blind] returns.
func WarnBlind(ctx context.Context, s *evaluator.Setup, keys []string) error {
	if s.Say == nil || !s.IsObjective(runstore.KeyAccuracy) {
		return nil
	}
	groups := groupGenes(s.Space.Genes(), false)
	warnCapped(s, groups)
	info := s.Accuracy.Info()
	charged := genesOf(info.Penalised)
	var bases []space.Genes
	var warnings blindWarnings
	r := random.Stream(s.Config.Accuracy.Seed, "blind")
	for _, group := range groups {
		if !slices.Contains(keys, group.key) {
			continue
		}
		if charged[group.key] {
			warnings.add(group, least(group.choices), -1)
			continue
		}
		if bases == nil {
			bases = drawBases(s)
		}
		var costs choiceCosts
		for _, base := range bases {
			gene, ok := liveGene(s.Space, base, group.genes, r)
			if !ok {
				continue
			}
			if err := costs.add(s, base, gene); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if choice, saving := costs.cheapest(group.choices); choice != "" {
			warnings.add(group, choice, saving)
		}
	}
	for _, w := range warnings {
		s.Sayf("%s", w)
	}
	return nil
}

// blindWarning says that a gene which the score cannot see will have a choice in some places.
type blindWarning struct {
	key, choice string
	places      places
	low, high   float64 // what the choice saves, in per cent; negative: it has no charge
}

type blindWarnings []*blindWarning

// add merges what differs in the places alone.
func (ws *blindWarnings) add(group geneGroup, choice string, savingPct float64) {
	for _, w := range *ws {
		if w.key == group.key && w.choice == choice && (w.low < 0) == (savingPct < 0) {
			w.places = append(w.places, group.places...)
			w.low, w.high = min(w.low, savingPct), max(w.high, savingPct)
			return
		}
	}
	*ws = append(*ws, &blindWarning{group.key, choice, slices.Clone(group.places), savingPct, savingPct})
}

// String is the warning in one line.
func (w *blindWarning) String() string {
	if w.low < 0 {
		return fmt.Sprintf("the score cannot see %s%s; a choice that no network of its data has costs a small fixed charge, "+
			"so %s = %s wins whatever it is worth (nas space --audit says more)", w.key, w.places, w.key, w.choice)
	}
	saving := fmt.Sprintf("%.1f", w.low)
	if high := fmt.Sprintf("%.1f", w.high); high != saving {
		saving += " to " + high
	}
	return fmt.Sprintf("the score cannot see %s%s: the search will take the cheapest, %s = %s, "+
		"which saves %s %% of the latency each time (nas space --audit says more)", w.key, w.places, w.key, w.choice, saving)
}

// warnCapped says which choices the score declares to take for others.
func warnCapped(s *evaluator.Setup, groups []geneGroup) {
	info := s.Accuracy.Info()
	for _, group := range groups {
		for v, choice := range group.choices {
			if like, why := countedAs(group, v, info); like != "" {
				s.Sayf("%s %s%s scores like %s: %s", strings.ReplaceAll(group.key, "_", " "), choice, group.places, like, why)
			}
		}
	}
}

// least returns the smallest of choices that are numbers: the plain one.
func least(choices []string) string {
	return slices.MinFunc(choices, func(a, b string) int {
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return cmp.Compare(x, y)
	})
}
