package feedback

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/results"
	"nas/internal/runstore"
)

// Rerank is what the accuracies of trained networks do to a run's front.
type Rerank struct {
	Dir     string `json:"dir"`
	Trained int    `json:"told"` // networks in told.csv
	New     int    `json:"new"`  // of them, those of this table
	Model   string `json:"model,omitempty"`
	// Refit is false while too few networks are trained: Reason says so.
	Refit  bool   `json:"refit"`
	Reason string `json:"reason,omitempty"`

	Candidates int `json:"candidates"` // trials ranked anew
	Before     int `json:"front_before"`
	After      int `json:"front_after"`
	Kept       int `json:"kept"`   // members of both
	Joined     int `json:"joined"` // trials that were dominated by the run's score
	// Kendall's tau between the run's score and the surrogate over the candidates, and between the
	// run's score and the trained accuracies.
	TauCandidates float64  `json:"kendall_tau_score_surrogate"`
	TauTrained    float64  `json:"kendall_tau_score_told"`
	Front         []Member `json:"front"`
}

// Member is a trial on the new front.
type Member struct {
	ID        int     `json:"id"`
	ArchID    string  `json:"arch_id"`
	Arch      string  `json:"arch"`
	LatencyMs float64 `json:"latency_ms"`
	Accuracy  float64 `json:"accuracy"` // per cent: trained, or by the surrogate
	Low       float64 `json:"accuracy_low"`
	High      float64 `json:"accuracy_high"`
	Trained   bool    `json:"trained"`
	Before    bool    `json:"before"` // was on the front by the run's score
}

// Tell reads a table of trained networks, keeps it with the run in dir, fits a surrogate to all
// networks that were trained so far, and ranks the trials at the front anew. The run's own files stay
// as they are; the new front is in front-told.csv.
func Tell(ctx context.Context, dir, path string, o evaluator.Options) (*Rerank, error) {
	s, err := results.Load(dir)
	if err != nil {
		return nil, config.Usage(err)
	}
	rows, err := readTable(path, s)
	if err != nil {
		return nil, config.Usage(err)
	}
	lock, err := runstore.Resume(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	trained, err := runstore.ReadTrained(dir)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		trained = slices.DeleteFunc(trained, func(q runstore.TrainedRow) bool { return q.ArchID == r.ArchID })
		trained = append(trained, r)
	}
	if err := runstore.WriteTrained(dir, trained); err != nil {
		return nil, err
	}
	out := &Rerank{Dir: dir, Trained: len(trained), New: len(rows), Before: s.Front.Len(), Front: []Member{}}
	if !s.HasObjective(runstore.KeyAccuracy) {
		out.Reason = "accuracy is no objective of the run"
		return out, nil
	}
	x := reranker{Options: o, run: s, trained: trained, out: out}
	model, err := x.fit(ctx)
	if err != nil || model == nil {
		return out, err
	}
	return out, x.rank(ctx, model)
}

// String says how far the front moved.
func (r *Rerank) String() string {
	if !r.Refit {
		return fmt.Sprintf("%d networks told so far, kept in %s; no refit: %s",
			r.Trained, filepath.Join(r.Dir, runstore.TrainedFile), r.Reason)
	}
	return fmt.Sprintf("%d networks told so far (%d now); %s\n"+
		"%d of %d members stay on the front, %d join it, %d leave it; "+
		"tau of the run's score: %.2f with the surrogate over %d candidates, %.2f with what was told",
		r.Trained, r.New, r.Model, r.Kept, r.Before, r.Joined, r.Before-r.Kept, r.TauCandidates, r.Candidates, r.TauTrained)
}
