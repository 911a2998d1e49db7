package feedback

import (
	"context"
	"fmt"
	"path/filepath"

	"nas/internal/config"
	"nas/internal/plural"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/work"
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

	Repeated []Repeated `json:"repeated"` // networks that were trained more than once, of all tables
}

// Repeated is a network that was trained with several seeds.
type Repeated struct {
	ID         int       `json:"id"` // of the trial; -1 for a network that is none of the run
	ArchID     string    `json:"arch_id"`
	Accuracy   float64   `json:"accuracy"` // the mean over the seeds, per cent
	Seeds      int       `json:"seeds"`
	SD         float64   `json:"accuracy_sd"` // between seeds, in points
	Accuracies []float64 `json:"accuracies"`  // of each seed, ascending
}

// Member is a trial on the new front.
type Member struct {
	ID        int     `json:"id"`
	ArchID    string  `json:"arch_id"`
	Arch      string  `json:"arch"`
	LatencyMs float64 `json:"latency_ms"`
	Accuracy  float64 `json:"accuracy"` // per cent: trained, the mean over its seeds, or by the surrogate
	Low       float64 `json:"accuracy_low"`
	High      float64 `json:"accuracy_high"`
	Trained   bool    `json:"trained"`
	Seeds     int     `json:"seeds"`  // that it was trained with
	Before    bool    `json:"before"` // was on the front by the run's score
}

// Tell reads a table of trained networks, keeps it with the run in dir, fits a surrogate to all
// networks that were trained so far, and ranks the trials at the front anew. A network that was trained
// several times counts with its mean. An accuracy that an earlier table gave a network counts once, so
// that a table may be told again when it has grown. The run's own files stay as they are, but for front.csv,
// which gets a column with the trained accuracies. The new front is in front-told.csv, and all that was
// ranked in ranked-told.csv.
func Tell(ctx context.Context, dir, path string, o work.Options) (*Rerank, error) {
	s, err := results.Load(dir)
	if err != nil {
		return nil, config.Usage(err)
	}
	if err := s.TakesAccuracies(); err != nil {
		return nil, err
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
		trained = addTrained(trained, r, true)
	}
	if err := runstore.WriteTrained(dir, trained); err != nil {
		return nil, err
	}
	if err := runstore.NoteTrained(dir); err != nil {
		return nil, err
	}
	out := &Rerank{
		Dir: dir, Trained: len(trained), New: len(rows), Before: s.Front.Len(), Front: []Member{}, Repeated: []Repeated{},
	}
	for i := range trained {
		if r := &trained[i]; len(r.Accuracies) > 1 {
			out.Repeated = append(out.Repeated, Repeated{r.ID, r.ArchID, r.Accuracy(), len(r.Accuracies), r.SD(), r.Accuracies})
		}
	}
	if !s.HasObjective(runstore.KeyAccuracy) {
		out.Reason = "accuracy is no objective of the run"
		return out, nil
	}
	x := reranker{Options: o, run: s, trained: trained, out: out}
	model, err := x.fit(ctx)
	if err == nil && model == nil {
		return out, runstore.WriteRanked(dir, nil) // what was ranked by other tables
	}
	if err != nil {
		return out, err
	}
	return out, x.rank(ctx, model)
}

// String says how far the front moved.
func (r *Rerank) String() string {
	if !r.Refit {
		return fmt.Sprintf("%s told so far, kept in %s; no refit: %s",
			plural.Of(r.Trained, "network"), filepath.Join(r.Dir, runstore.TrainedFile), r.Reason)
	}
	return fmt.Sprintf("%s told so far (%d now); %s\n"+
		"%d of %d members stay on the front, %d join it, %d leave it; "+
		"tau of the run's score: %.2f with the surrogate over %d candidates, %.2f with what was told",
		plural.Of(r.Trained, "network"), r.New, r.Model,
		r.Kept, r.Before, r.Joined, r.Before-r.Kept, r.TauCandidates, r.Candidates, r.TauTrained)
}
