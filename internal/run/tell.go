package run

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/search"
	"nas/space"
)

// tellCandidates is how many trials at the front are ranked anew: the front, and
// the fronts under it.
const tellCandidates = 200

// Retold is what told accuracies do to a run's front.
type Retold struct {
	Dir   string `json:"dir"`
	Told  int    `json:"told"` // networks in told.csv
	New   int    `json:"new"`  // of them, those told now
	Model string `json:"model,omitempty"`
	// Refit is false while too few networks are told: Reason says so.
	Refit  bool   `json:"refit"`
	Reason string `json:"reason,omitempty"`

	Candidates int `json:"candidates"` // trials ranked anew
	Before     int `json:"front_before"`
	After      int `json:"front_after"`
	Kept       int `json:"kept"`   // members of both
	Joined     int `json:"joined"` // trials that were dominated by the run's score
	// Kendall's tau between the run's score and the surrogate over the candidates,
	// and between the run's score and the told accuracies.
	TauCandidates float64      `json:"kendall_tau_score_surrogate"`
	TauTold       float64      `json:"kendall_tau_score_told"`
	Front         []ToldMember `json:"front"`
}

// ToldMember is a trial on the front by what was told.
type ToldMember struct {
	ID        int     `json:"id"`
	ArchID    string  `json:"arch_id"`
	Arch      string  `json:"arch"`
	LatencyMs float64 `json:"latency_ms"`
	Accuracy  float64 `json:"accuracy"` // per cent: told, or by the surrogate
	Low       float64 `json:"accuracy_low"`
	High      float64 `json:"accuracy_high"`
	Trained   bool    `json:"trained"`
	Before    bool    `json:"before"` // was on the front by the run's score
}

// Tell reads a table of trained networks, keeps it with the run, fits a surrogate
// to all that was told so far, and ranks the trials at the front anew. The run's
// own files stay as they are; the new front is in front-told.csv.
func Tell(ctx context.Context, dir, path string, o Options) (*Retold, error) {
	s, err := Load(dir)
	if err != nil {
		return nil, &UsageError{err}
	}
	rows, err := readTold(path, s)
	if err != nil {
		return nil, &UsageError{err}
	}
	lock, err := runstore.Resume(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	told, err := runstore.ReadTold(dir)
	if err != nil {
		return nil, err
	}
	out := &Retold{Dir: dir, New: len(rows), Before: s.Front.Len(), Front: []ToldMember{}}
	for _, r := range rows {
		told = slices.DeleteFunc(told, func(q runstore.ToldRow) bool { return q.ArchID == r.ArchID })
		told = append(told, r)
	}
	out.Told = len(told)
	if err := runstore.WriteTold(dir, told); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(s.Manifest.Objectives, func(x search.Objective) bool { return x.Name == keyAccuracy }) {
		out.Reason = "accuracy is no objective of the run"
		return out, nil
	}
	t := &teller{pipeline: newPipeline(o), run: s, told: told, out: out}
	return out, t.refit(ctx)
}

// readTold reads a table with the columns arch or id, and accuracy. Each line may
// be wrong in its own way: all of them are named.
func readTold(path string, s *Stored) ([]runstore.ToldRow, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.FieldsPerRecord, in.TrimLeadingSpace = -1, true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("run: %s: want a table with the columns id or arch, and accuracy, such as nas ask --out writes: %w", path, emptyTable(err))
	}
	column := func(names ...string) int {
		return slices.IndexFunc(head, func(h string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(h))) })
	}
	id, arch, acc := column("id", "arch_id", "trial"), column("arch"), column("accuracy", "top1_pct")
	if acc < 0 || id < 0 && arch < 0 {
		return nil, fmt.Errorf("run: %s line 1: the columns are %s; want id or arch, and accuracy in per cent", path, strings.Join(head, ","))
	}
	var lines []toldLine
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("run: %s: %w", path, err)
		}
		n, _ := in.FieldPos(0)
		cell := func(i int) string {
			if i < 0 || i >= len(line) {
				return ""
			}
			return strings.TrimSpace(line[i])
		}
		if acc >= len(line) {
			lines = append(lines, toldLine{err: fmt.Errorf("run: %s line %d ends before the column %s: the file was cut off, or a comma is missing", path, n, head[acc])})
			continue
		}
		if cell(acc) == "" {
			continue // asked for and not trained yet
		}
		l := toldLine{id: cell(id)}
		if l.row, err = toldRow(cell(arch), cell(acc)); err != nil {
			l.err = fmt.Errorf("run: %s line %d: %w", path, n, err)
		}
		l.n = n
		lines = append(lines, l)
	}
	if err := s.identify(lines); err != nil {
		return nil, err
	}
	var rows []runstore.ToldRow
	var bad []error
	for _, l := range lines {
		switch {
		case l.err != nil:
			bad = append(bad, l.err)
		case l.row.ArchID == "":
			bad = append(bad, fmt.Errorf("run: %s line %d: id %q: %s has the trials 0 to %d", path, l.n, l.id, s.Dir, s.Trials-1))
		default:
			rows = append(rows, l.row)
		}
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("run: %s holds no network with an accuracy: fill in the column %s", path, head[acc])
	}
	return rows, nil
}

// emptyTable is an error for people where a table has not even a header.
func emptyTable(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	return err
}

// toldLine is a line of a table; err says what is wrong with it.
type toldLine struct {
	n   int
	id  string // of a trial, or its arch id
	row runstore.ToldRow
	err error
}

// toldRow is a network that is named by its arch, or "", and its accuracy.
func toldRow(arch, acc string) (runstore.ToldRow, error) {
	r := runstore.ToldRow{ID: -1}
	v, err := strconv.ParseFloat(strings.TrimSuffix(acc, "%"), 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return r, fmt.Errorf("accuracy %q: want per cent, 0 to 100", acc)
	}
	r.Accuracy = v
	if arch != "" {
		a, err := space.Parse(arch)
		if err != nil {
			return r, err
		}
		r.ArchID, r.Arch = a.ID(), a.String()
	}
	return r, nil
}

// identify finds the lines' trials: by their arch where they have one, by their id
// otherwise. Of several that fit it is the first.
func (s *Stored) identify(lines []toldLine) error {
	byArch, byID := map[string][]*runstore.ToldRow{}, map[string][]*runstore.ToldRow{}
	for i := range lines {
		l := &lines[i]
		switch {
		case l.err != nil:
		case l.row.ArchID != "":
			byArch[l.row.ArchID] = append(byArch[l.row.ArchID], &l.row)
		default:
			byID[l.id] = append(byID[l.id], &l.row)
		}
	}
	for g, err := range runstore.Glances(s.Dir) {
		if err != nil {
			return err
		}
		if len(byArch)+len(byID) == 0 {
			break
		}
		take := func(of map[string][]*runstore.ToldRow, key string) {
			for _, r := range of[key] {
				r.ID, r.ArchID, r.Arch = g.ID, string(g.ArchID), string(g.Arch)
			}
			delete(of, key)
		}
		take(byArch, string(g.ArchID))
		take(byID, string(g.ArchID))
		take(byID, strconv.Itoa(g.ID))
	}
	return nil
}

// candidates returns the feasible trials of the first fronts, in id order, at most
// n of them.
func (s *Stored) candidates(n int) ([]search.Trial, error) {
	var feasible []int // ids
	var points [][]float64
	for t, err := range runstore.ReadTrials(s.Dir) {
		if err != nil {
			return nil, err
		}
		if r, ok := rivalOf(&t, s.Manifest.Objectives); ok {
			p := make([]float64, len(r.values))
			for k, u := range r.values {
				p[k] = u.mid
			}
			feasible, points = append(feasible, t.ID), append(points, p)
		}
	}
	if len(feasible) == 0 {
		return nil, nil
	}
	ranks, _ := search.Sort(points, make([]float64, len(points)))
	order := make([]int, len(feasible))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return ranks[a] - ranks[b] })
	order = order[:min(n, len(order))]
	slices.Sort(order)
	var out []search.Trial
	for g, err := range runstore.Glances(s.Dir) {
		if err != nil {
			return nil, err
		}
		if len(out) == len(order) {
			break
		}
		if g.ID != feasible[order[len(out)]] {
			continue
		}
		t, err := g.Trial()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// teller fits and ranks.
type teller struct {
	*pipeline
	run  *Stored
	told []runstore.ToldRow
	out  *Retold
}

func (t *teller) refit(ctx context.Context) (err error) {
	t.cfg = t.run.Config
	if t.space, err = space.New(t.cfg.Space); err != nil {
		return err
	}
	if err := t.drawSample(); err != nil {
		return err
	}
	opts := accuracy.Options{Seed: t.cfg.Accuracy.Seed, Workers: t.Workers, Reference: t.sample}
	known := map[string]float64{}
	scores := map[int]float64{} // of trials that were trained, by the run
	for _, r := range t.told {
		scores[r.ID] = math.NaN()
	}
	for g, err := range runstore.Glances(t.run.Dir, keyAccuracy) {
		if err != nil {
			return err
		}
		if _, ok := scores[g.ID]; ok {
			scores[g.ID] = g.Values[0]
		}
	}
	var score, truth []float64
	for _, r := range t.told {
		n, err := networkOf(r.Arch)
		if err != nil {
			return err
		}
		known[r.ArchID] = r.Accuracy
		opts.Trained = append(opts.Trained, accuracy.TrainedNetwork{Network: n, Top1Pct: r.Accuracy})
		if v := scores[r.ID]; !math.IsNaN(v) {
			score, truth = append(score, v), append(truth, r.Accuracy)
		}
	}
	t.say("fitting a surrogate to %d trained networks", len(t.told))
	e, err := accuracy.NewContext(ctx, "surrogate", opts)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.out.Reason = strings.TrimPrefix(err.Error(), "accuracy: ")
		return nil
	}
	t.out.Model = e.String()
	if v, ok := e.(interface{ CrossValidated() float64 }); ok && !(v.CrossValidated() > 0) {
		t.out.Reason = fmt.Sprintf("the surrogate does not yet rank networks that it was not fitted to (cross-validated tau %.2f): tell more", v.CrossValidated())
		return nil
	}
	t.out.Refit = true
	t.out.TauTold = stat.KendallTau(score, truth)

	trials, err := t.run.candidates(tellCandidates)
	if err != nil {
		return err
	}
	t.out.Candidates = len(trials)
	t.say("ranking %d networks anew", len(trials))
	nets := make([]*blocks.Network, len(trials))
	for i := range trials {
		if nets[i], err = networkOf(trials[i].Arch); err != nil {
			return err
		}
	}
	estimates, err := accuracy.ScoreAll(ctx, e, nets, t.Workers)
	if err != nil {
		return err
	}
	members := make([]ToldMember, len(trials))
	for i := range trials {
		x, v := &trials[i], estimates[i]
		members[i] = ToldMember{ID: x.ID, ArchID: x.ArchID, Arch: x.Arch, LatencyMs: value(x, t.latencyKey()), Accuracy: v.Value, Low: v.Low, High: v.High}
	}
	var before, after []float64
	front, err := search.NewFront(t.run.Manifest.Objectives, nil)
	if err != nil {
		return err
	}
	byID := map[int]*ToldMember{}
	var rivals []rival
	for i := range trials {
		m, x := &members[i], &trials[i]
		before, after = append(before, x.Objectives[keyAccuracy]), append(after, m.Accuracy)
		if v, ok := known[m.ArchID]; ok {
			m.Accuracy, m.Low, m.High, m.Trained = v, v, v, true
		}
		y := search.Trial{ID: x.ID, ArchID: x.ArchID, Arch: x.Arch, Result: search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}}
		for k, v := range x.Objectives {
			y.Objectives[k] = v
		}
		for k, v := range x.Parts {
			y.Parts[k] = v
		}
		y.Objectives[keyAccuracy], y.Parts[keyAccuracy+"_low"], y.Parts[keyAccuracy+"_high"] = m.Accuracy, m.Low, m.High
		delete(y.Parts, keyAccuracy+betweenSuffix) // the surrogate's interval is all of its error
		front.Add(y)
		byID[m.ID] = m
		if r, ok := rivalOf(&y, t.run.Manifest.Objectives); ok {
			rivals = append(rivals, r)
		}
	}
	t.out.TauCandidates = stat.KendallTau(before, after)
	for _, x := range t.run.Front.Trials() {
		if m := byID[x.ID]; m != nil {
			m.Before = true
		}
	}
	chance := chances(rivals)
	var rows []runstore.FrontRow
	for _, x := range front.Trials() {
		m := byID[x.ID]
		t.out.Front = append(t.out.Front, *m)
		if m.Before {
			t.out.Kept++
		} else {
			t.out.Joined++
		}
		key := t.latencyKey()
		rows = append(rows, runstore.FrontRow{
			ID: m.ID, ArchID: m.ArchID, Arch: m.Arch, LatencyMs: m.LatencyMs, LatencyLowMs: value(&x, key+"_low"), LatencyHighMs: value(&x, key+"_high"),
			Accuracy: m.Accuracy, AccuracyLow: m.Low, AccuracyHigh: m.High, Params: int64(value(&x, keyParams)), MACs: int64(value(&x, keyMACs)),
			PeakActivationBytes: int64(value(&x, keyActivations)), LatencyDevice: t.run.Manifest.Device, Extra: []float64{chance[m.ID]},
		})
	}
	t.out.After = front.Len()
	return runstore.WriteToldFront(t.run.Dir, rows, chanceColumn)
}

// latencyKey is the key of the first device's latency.
func (t *teller) latencyKey() string {
	return (&device{name: t.cfg.Latency.Profile.Names()[0]}).key()
}

// String says how far the front moved.
func (r *Retold) String() string {
	if !r.Refit {
		return fmt.Sprintf("%d networks told so far, kept in %s; no refit: %s", r.Told, filepath.Join(r.Dir, runstore.ToldFile), r.Reason)
	}
	return fmt.Sprintf("%d networks told so far (%d now); %s\n%d of %d members stay on the front, %d join it, %d leave it; tau of the run's score: %.2f with the surrogate over %d candidates, %.2f with what was told",
		r.Told, r.New, r.Model, r.Kept, r.Before, r.Joined, r.Before-r.Kept, r.TauCandidates, r.Candidates, r.TauTold)
}
