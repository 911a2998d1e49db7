package evaluator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"nas/accuracy"
	"nas/accuracy/training"
	"nas/blocks"
	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/rungs"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/search"
)

// trained is the estimator of a run that trains its networks: it describes their accuracy, and estimates none.
type trained struct {
	recipe *training.Recipe
	spec   string
}

// errTrained is the error of a network that only a run could give an accuracy.
var errTrained = errors.New("its accuracy is not estimated: a run trains its networks")

// Estimate implements [accuracy.Estimator].
func (t trained) Estimate(context.Context, *blocks.Network) (accuracy.Score, error) {
	return accuracy.Score{}, errTrained
}

// String implements [accuracy.Estimator].
func (t trained) String() string { return t.spec }

// Info implements [accuracy.Estimator].
func (t trained) Info() accuracy.Info {
	s := t.recipe.Spec()
	if s.Goal == training.Minimise {
		s.Label += ", less is better"
	}
	return accuracy.Info{Name: s.Name, Label: s.Label, Unit: s.Unit}
}

// setUpTraining runs what the recipe of a config wants to be run before the first training.
func setUpTraining(ctx context.Context, c *config.Config) error {
	r, err := training.Load(c.Accuracy.Evaluator)
	if err != nil {
		return config.Usagef("accuracy.evaluator = %q: %w", c.Accuracy.Evaluator, err)
	}
	return r.SetUp(ctx, c.Accuracy.Data)
}

// trainedOf makes the estimator of a config with an evaluator.
func trainedOf(c *config.Config) (accuracy.Estimator, error) {
	r, err := training.Load(c.Accuracy.Evaluator)
	if err != nil {
		return nil, config.Usagef("accuracy.evaluator = %q: %w", c.Accuracy.Evaluator, err)
	}
	data, err := rungs.DataID(c.Accuracy.Data)
	if err != nil {
		return nil, config.Usagef("accuracy.data = %q: %w", c.Accuracy.Data, err)
	}
	s := r.Spec()
	return trained{r, fmt.Sprintf("%v, data %s, seed %d, rungs %v, eta %d", r, data, c.Accuracy.Seed, s.Rungs, s.Eta)}, nil
}

// checkTraining reports an evaluator recipe that cannot be used.
func checkTraining(c *config.Config, report func(key, value, want string)) {
	a := &c.Accuracy
	r, err := training.Load(a.Evaluator)
	if err != nil {
		for _, line := range strings.Split(fault.Text(err), "\n") {
			report("accuracy.evaluator", strconv.Quote(a.Evaluator), line)
		}
		return
	}
	if s := r.Spec(); c.Constraints.MinTop1Pct != nil && (s.Unit != runstore.UnitPercent || s.Goal == training.Minimise) {
		report("constraints.min_top1_pct", c.Constraints.MinTop1Pct.String(),
			`want none where the evaluator's recipe has another unit than pct, or goal = "min"`)
	}
	switch info, err := os.Stat(a.Data); {
	case a.Data == "" && r.Needs("{data}"):
		report("accuracy.data", "", "is missing: want the folder of the data set that the evaluator's {data} stands for")
	case a.Data == "":
	case err != nil:
		report("accuracy.data", strconv.Quote(a.Data), "there is no such folder: want that of the data set; "+
			"docs/training.md says how it is laid out")
	case !info.IsDir() && r.Needs("{data}"):
		report("accuracy.data", strconv.Quote(a.Data), "is no folder: want that of the data set")
	}
}

// StartTraining prepares the run in a directory to train its candidates, and takes over what its trials tell. For a run
// that scores them it does nothing. StopTraining ends it.
func (s *Setup) StartTraining(ctx context.Context, store *runstore.Run, resumed bool, by Trainers) error {
	t, ok := s.Accuracy.(trained)
	if !ok {
		return nil
	}
	var slots []string
	if by.Elsewhere != nil {
		slots = make([]string, TrainedElsewhere)
	} else if !s.trainingReady {
		if err := t.recipe.SetUp(ctx, s.Config.Accuracy.Data); err != nil {
			return err
		}
	}
	shared := ""
	if dir, err := os.UserCacheDir(); err == nil {
		shared = filepath.Join(dir, "nas", "trained", t.recipe.Hash()+".jsonl")
	}
	var trainer training.Trainer = t.recipe
	if by.Elsewhere != nil {
		trainer = by.Elsewhere
	}
	var err error
	s.training, err = rungs.New(rungs.Options{
		Recipe: t.recipe, Trainer: heldTrainer{trainer, s.Gate}, Known: by.Known, Report: by.Report, Slots: slots,
		Data: s.Config.Accuracy.Data, Seed: s.Config.Accuracy.Seed,
		Dir:     store.Path(runstore.TrainingDir),
		Weights: func(archID string) string { return runstore.WeightsFile(store.Dir(), archID) },
		Log:     store.Path(runstore.TrainingFile), Shared: shared,
		Objectives: s.Objectives, Trained: runstore.KeyAccuracy,
		Most: s.Config.Search.Most(), Say: s.Sayf,
	})
	if err != nil || !resumed {
		return err
	}
	for x, err := range store.Trials() {
		if err != nil {
			return err
		}
		s.training.Replay(&x)
	}
	return nil
}

// heldTrainer is a trainer that begins nothing while a gate is closed.
type heldTrainer struct {
	training.Trainer
	gate *work.Gate
}

// Train implements [training.Trainer].
func (h heldTrainer) Train(ctx context.Context, job training.Job) (training.Outcome, error) {
	h.gate.Wait(ctx)
	if ctx.Err() != nil {
		return training.Outcome{}, context.Cause(ctx)
	}
	return h.Trainer.Train(ctx, job)
}

// Trainers say who trains the candidates of a run, and who hears of it. The zero value is this machine.
type Trainers struct {
	Elsewhere training.Trainer // on other machines; nil: this one trains
	// Known and Report are those of [rungs.Options].
	Known  func(training.Job) (o training.Outcome, ok bool, err error)
	Report func(archID string, r training.Report)
}

// TrainedElsewhere is how many trainings are handed to other machines at once: more than there are candidates.
const TrainedElsewhere = 4096

// TrainedBy says what a run trains with.
type TrainedBy struct {
	Recipe, Data string // their hashes; "" for a run that does not train
	Weights      string // what the recipe says of them; see [training.Spec]
}

// TrainedBy returns what the run trains with; the zero value if it does not.
func (s *Setup) TrainedBy() (by TrainedBy, err error) {
	t, ok := s.Accuracy.(trained)
	if !ok {
		return by, nil
	}
	by.Recipe, by.Weights = t.recipe.Hash(), t.recipe.Spec().Weights
	by.Data, err = rungs.DataID(s.Config.Accuracy.Data)
	return by, err
}

// TrainingWaits is how many evaluations wait for others: see [rungs.Training.Waiting].
func (s *Setup) TrainingWaits() int { return s.training.Waiting() }

// StopTraining ends what StartTraining began.
func (s *Setup) StopTraining() error {
	if s.training == nil {
		return nil
	}
	return s.training.Close()
}

// TidyTraining removes what no search goes on from any more, once a run has ended: the folders of networks that were
// stopped, unless the recipe keeps all.
func (s *Setup) TidyTraining() {
	if s.training != nil {
		s.training.Tidy()
	}
}

// Rungs are the total epochs at each rung of a run that trains its networks; nil for one that does not.
func (s *Setup) Rungs() []int {
	if t, ok := s.Accuracy.(trained); ok {
		return t.recipe.Spec().Rungs
	}
	return nil
}

// Trains reports whether the networks are trained.
func (s *Setup) Trains() bool { _, ok := s.Accuracy.(trained); return ok }

// TrialTraining trains networks to try the recipe of a config, outside of a run.
type TrialTraining struct {
	*training.Recipe
	data string
	seed uint64
}

// TrialTraining sets the recipe up.
func (s *Setup) TrialTraining(ctx context.Context) (*TrialTraining, error) {
	a := &s.Config.Accuracy
	t := &TrialTraining{s.Accuracy.(trained).recipe, a.Data, a.Seed}
	if t.data != "" {
		var err error
		if t.data, err = filepath.Abs(a.Data); err != nil {
			return nil, err
		}
	}
	if s.trainingReady {
		return t, nil
	}
	return t, t.SetUp(ctx, t.data)
}

// Seeded trains a network to a rung with the k-th seed after that of the config, in a folder.
func (t *TrialTraining) Seeded(
	ctx context.Context, n *blocks.Network, rung int, k uint64, dir string,
) (training.Outcome, error) {
	return t.Train(ctx, training.Job{
		Network: n, Rung: rung, Seed: t.seed + k, Dir: dir, Data: t.data, Slot: t.Spec().Slots[0],
	})
}

// Epochs trains a network for so many epochs, in a folder.
func (t *TrialTraining) Epochs(
	ctx context.Context, n *blocks.Network, epochs int, dir string,
) (training.Outcome, error) {
	return t.WithRungs(epochs).Train(ctx, training.Job{
		Network: n, Seed: t.seed, Dir: dir, Data: t.data, Slot: t.Spec().Slots[0],
	})
}

// train completes the result of a candidate by training it.
func (e *Evaluator) train(ctx context.Context, c search.Candidate, r *search.Result) error {
	if e.training == nil {
		return errTrained
	}
	n, err := c.Arch.Network()
	if err != nil {
		return err
	}
	err = e.training.Score(ctx, rungs.Candidate{
		ID: c.ID, Continues: c.Continues, Until: c.Until, ArchID: c.ArchID, Arch: c.Arch.String(), Network: n,
	}, r)
	if err != nil {
		return err
	}
	v := runstore.Value{Mid: r.Objectives[runstore.KeyAccuracy], Low: math.NaN(), High: math.NaN()}
	if sd := e.Accuracy.(trained).recipe.Spec().SD; sd > 0 && !r.Stopped {
		const z90 = 1.645
		v.Low, v.High, v.BetweenSD = v.Mid-z90*sd, v.Mid+z90*sd, sd
	}
	accuracyField.Set(r, v, true)
	return nil
}

// trainedAtOnce is the number of candidates that a run judges at once if it trains them: those that a searcher asks
// for. They wait for each other and for slots.
const trainedAtOnce = 64

// AtOnce returns how many candidates are to be judged at the same time.
func (s *Setup) AtOnce() int {
	if t, ok := s.Accuracy.(trained); ok {
		return max(trainedAtOnce, 2*len(t.recipe.Spec().Slots))
	}
	return s.Workers
}

// AccuracyAxis is the accuracy as an objective, whether it is one of the run's or not.
func (s *Setup) AccuracyAxis() search.Objective {
	return search.Objective{Name: runstore.KeyAccuracy, Direction: direction(s.Accuracy)}
}

// direction is that of the accuracy.
func direction(e accuracy.Estimator) search.Direction {
	if t, ok := e.(trained); ok && t.recipe.Spec().Goal == training.Minimise {
		return search.Minimize
	}
	return search.Maximize
}
