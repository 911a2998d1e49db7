package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"nas/accuracy/training"
	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/rungs"
	"nas/space"
)

// Training returns the result of a training.
func (o *Outcome) Training() (x training.Outcome, err error) {
	if o.Kind != Train {
		return x, fmt.Errorf("the outcome is of kind %.20q", o.Kind)
	}
	var all trained
	err = json.Unmarshal(o.Result, &all)
	if x = all.Outcome; err == nil {
		err = all.Weights.check()
	}
	if err == nil && (math.IsNaN(x.Accuracy) || math.IsInf(x.Accuracy, 0)) {
		err = fmt.Errorf("the accuracy is %v", x.Accuracy)
	}
	return x, err
}

// School trains networks by a recipe that the worker's own operator chose, with the operator's data.
type School struct {
	recipe *training.Recipe
	data   string // folder
	dataID string
	folder string // of the trainings
	slots  *rungs.Slots
}

// NewSchool prepares a recipe: a file, or the name of one that comes with the program. What it leaves of each network
// goes to folder. The recipe's commands of setup are run.
func NewSchool(ctx context.Context, recipe, data, folder string) (*School, error) {
	r, err := training.Load(recipe)
	if err != nil {
		return nil, err
	}
	s := &School{recipe: r, slots: rungs.NewSlots(r.Spec().Slots)}
	if s.dataID, err = rungs.DataID(data); err != nil {
		return nil, err
	}
	if data != "" {
		if s.data, err = filepath.Abs(data); err != nil {
			return nil, err
		}
	}
	if s.folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	return s, r.SetUp(ctx, s.data)
}

// IDs are the hashes of the recipe and of the data.
func (s *School) IDs() (recipe, data string) { return s.recipe.Hash(), s.dataID }

// Slots is how many trainings the recipe allows at once.
func (s *School) Slots() int { return len(s.recipe.Spec().Slots) }

// Do does a task of kind [Train]. Weights are what the last rung left, if the recipe keeps them; the outcome describes
// them. Its error says why the network has no accuracy, or is that of ctx.
func (s *School) Do(ctx context.Context, worker string, t *Task) (o Outcome, weights []byte, err error) {
	if err := t.Check(); err != nil {
		return o, nil, err
	}
	if !s.Trains(t) {
		return o, nil, fault.New("tasks: a training is of another recipe or of other data than those of this worker")
	}
	net, err := networkOf(t)
	if err != nil {
		return o, nil, err
	}
	slot, err := s.slots.Take(ctx, 0)
	if err != nil {
		return o, nil, err
	}
	defer s.slots.Free(slot)
	began, spec := time.Now(), s.recipe.Spec()
	dir := filepath.Join(s.folder, t.Run, t.ArchID)
	var x trained
	if x.Outcome, err = s.recipe.Train(ctx, training.Job{
		Network: net, ArchID: t.ArchID, Arch: t.Arch, Rung: t.Rung, Seed: t.Seed, Data: s.data, Slot: slot, Dir: dir,
	}); err != nil {
		return o, nil, err
	}
	if spec.Weights != "" && t.Rung == len(spec.Rungs)-1 {
		if weights, err = s.recipe.Weights(dir, net); err != nil {
			return o, nil, fmt.Errorf("weights = %q: %w", spec.Weights, err)
		}
		x.Weights = infoOf(weights)
	}
	o = outcomeOf(t, worker, began)
	if o.Result, err = json.Marshal(x); err != nil {
		return o, nil, err
	}
	return o, weights, o.Seal()
}

// Trains reports whether a task is a training by the recipe and the data of the school.
func (s *School) Trains(t *Task) bool {
	return t.Kind == Train && t.Recipe == s.recipe.Hash() && t.Data == s.dataID && t.Rung < len(s.recipe.Spec().Rungs)
}

// networkOf builds the network of a task from its arch string, and checks that it is the one of the task.
func networkOf(t *Task) (*blocks.Network, error) {
	arch, err := space.Parse(t.Arch)
	if err != nil {
		return nil, fault.Errorf("tasks: trial %d: %w", t.Trial, err)
	}
	if _, id := arch.Describe(); id != t.ArchID {
		return nil, fault.Errorf("tasks: trial %d: its arch is network %s, not %s", t.Trial, id, t.ArchID)
	}
	net, err := arch.Network()
	if err != nil {
		return nil, fault.Errorf("tasks: trial %d: %w", t.Trial, err)
	}
	return net, nil
}
