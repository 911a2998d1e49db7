package feedback

import (
	"context"
	"fmt"
	"math"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/evaluator"
	"nas/internal/fault"
	"nas/internal/plural"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/internal/work"
	"nas/search"
	"nas/space"
)

// reranker fits a surrogate to trained networks and ranks the candidates of a run by it.
type reranker struct {
	work.Options
	run     *results.Stored
	trained []runstore.TrainedRow
	out     *Rerank
}

// fit returns the surrogate; nil, with the reason in the outcome, where it cannot rank networks yet.
func (x *reranker) fit(ctx context.Context) (accuracy.Estimator, error) {
	c := x.run.Config
	sp, err := space.New(c.Space)
	if err != nil {
		return nil, err
	}
	o := accuracy.Options{Seed: c.Accuracy.Seed, Recipe: c.Accuracy.Recipe, Workers: x.Workers}
	if o.Reference, err = evaluator.ReferenceSample(sp, c.Accuracy.Seed); err != nil {
		return nil, err
	}
	for i := range x.trained {
		r := &x.trained[i]
		n, err := resolve.NetworkOf(r.Arch)
		if err != nil {
			return nil, err
		}
		o.Trained = append(o.Trained, accuracy.TrainedNetwork{Network: n, Top1Pct: r.Accuracy()})
	}
	scores, trained, err := x.scoresOfTrained()
	if err != nil {
		return nil, err
	}
	x.Sayf("fitting a surrogate to %d trained networks", len(x.trained))
	model, err := accuracy.NewSurrogate(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		x.out.Reason = fault.Text(err)
		return nil, nil
	}
	x.out.Model = model.String()
	if tau := model.CrossValidated(); !(tau > 0) {
		x.out.Reason = fmt.Sprintf("the surrogate does not yet rank networks that it was not fitted to "+
			"(cross-validated tau %.2f): tell more", tau)
		return nil, nil
	}
	x.out.Refit = true
	x.out.TauTrained = stat.KendallTau(scores, trained)
	return model, nil
}

// scoresOfTrained returns the run's score and the trained accuracy of the networks that have both.
func (x *reranker) scoresOfTrained() (scores, trained []float64, err error) {
	byID := map[int]float64{}
	for _, r := range x.trained {
		byID[r.ID] = math.NaN()
	}
	for t, err := range runstore.TrialViews(x.run.Dir, runstore.KeyAccuracy) {
		if err != nil {
			return nil, nil, err
		}
		if _, ok := byID[t.ID]; ok {
			byID[t.ID] = t.Values[0]
		}
	}
	for i := range x.trained {
		if v := byID[x.trained[i].ID]; !math.IsNaN(v) {
			scores, trained = append(scores, v), append(trained, x.trained[i].Accuracy())
		}
	}
	return scores, trained, nil
}

// rank gives each candidate of the run the accuracy that it was trained to, or else that of the
// surrogate, and writes the front of that.
func (x *reranker) rank(ctx context.Context, model accuracy.Estimator) error {
	trials, err := x.run.Candidates(results.MaxCandidates)
	if err != nil {
		return err
	}
	x.out.Candidates = len(trials)
	x.Sayf("ranking %s anew", plural.Of(len(trials), "network"))
	scores, err := x.score(ctx, model, trials)
	if err != nil {
		return err
	}
	before, after := make([]float64, len(trials)), make([]float64, len(trials))
	for i := range trials {
		before[i], after[i] = trials[i].Objectives[runstore.KeyAccuracy], scores[i].Value
	}
	x.out.TauCandidates = stat.KendallTau(before, after)
	trained := map[string]*runstore.TrainedRow{} // by arch id
	for i := range x.trained {
		trained[x.trained[i].ArchID] = &x.trained[i]
	}
	front, err := search.NewFront(x.run.Manifest.Objectives, nil)
	if err != nil {
		return err
	}
	contenders := results.NewContenders(x.run.Manifest.Objectives)
	var rows []runstore.RankedRow
	for i := range trials {
		v := runstore.Value{Mid: scores[i].Value, Low: scores[i].Low, High: scores[i].High}
		if r, ok := trained[trials[i].ArchID]; ok {
			a := r.Accuracy()
			v = runstore.Value{Mid: a, Low: a, High: a}
		}
		seeds := seedsOf(trained[trials[i].ArchID])
		rows = append(rows, runstore.RankedRow{ID: trials[i].ID, Accuracy: v, Score: before[i], Seeds: seeds})
		t := results.WithAccuracy(&trials[i], v)
		front.Add(t)
		contenders.Add(&t)
	}
	if err := runstore.WriteRanked(x.run.Dir, rows); err != nil {
		return err
	}
	return x.write(front, contenders.FrontProbabilities(), trained)
}

// seedsOf is how many seeds a network was trained with; nil is none.
func seedsOf(r *runstore.TrainedRow) int {
	if r == nil {
		return 0
	}
	return len(r.Accuracies)
}

// score estimates the trials, with all cores.
func (x *reranker) score(
	ctx context.Context, model accuracy.Estimator, trials []search.Trial,
) ([]accuracy.Score, error) {
	nets := make([]*blocks.Network, len(trials))
	for i := range trials {
		var err error
		if nets[i], err = resolve.NetworkOf(trials[i].Arch); err != nil {
			return nil, err
		}
	}
	return accuracy.ScoreAll(ctx, model, nets, x.Workers)
}

// write notes the members of the new front, and writes their table. trained are by arch id.
func (x *reranker) write(
	front *search.Front, onFront map[int]float64, trained map[string]*runstore.TrainedRow,
) error {
	wasOnFront := map[int]bool{}
	for _, t := range x.run.Front.Trials() {
		wasOnFront[t.ID] = true
	}
	first := runstore.FieldOf(runstore.LatencyKey(x.run.Config.Latency.Profile.Names()[0]))
	accuracy := runstore.FieldOf(runstore.KeyAccuracy)
	for _, t := range front.Trials() {
		v := accuracy.Of(&t.Result)
		seeds := seedsOf(trained[t.ArchID])
		x.out.Front = append(x.out.Front, Member{
			ID: t.ID, ArchID: t.ArchID, Arch: t.Arch, LatencyMs: first.Of(&t.Result).Mid,
			Accuracy: v.Mid, Low: v.Low, High: v.High,
			Trained: seeds > 0, Seeds: seeds, Before: wasOnFront[t.ID],
		})
		if wasOnFront[t.ID] {
			x.out.Kept++
		} else {
			x.out.Joined++
		}
	}
	x.out.After = front.Len()
	var others []runstore.Field
	for _, name := range x.run.Config.Latency.Profile.Names()[1:] {
		others = append(others, runstore.FieldOf(runstore.LatencyKey(name)))
	}
	return runstore.WriteFront(x.run.Dir, runstore.RerankedFile, front.Trials(), first, x.run.Manifest.Device, onFront,
		func(*search.Result) float64 { return math.NaN() }, others)
}
