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
	err = json.Unmarshal(o.Result, &x)
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

// Do does a task of kind [Train]. Its error says why the network has no accuracy, or is that of ctx.
func (s *School) Do(ctx context.Context, worker string, t *Task) (Outcome, error) {
	if err := t.Check(); err != nil {
		return Outcome{}, err
	}
	if t.Kind != Train || t.Recipe != s.recipe.Hash() || t.Data != s.dataID || t.Rung >= len(s.recipe.Spec().Rungs) {
		return Outcome{}, fault.New("tasks: a training is of another recipe or of other data than those of this worker")
	}
	net, err := networkOf(t)
	if err != nil {
		return Outcome{}, err
	}
	slot, err := s.slots.Take(ctx, 0)
	if err != nil {
		return Outcome{}, err
	}
	defer s.slots.Free(slot)
	began := time.Now()
	x, err := s.recipe.Train(ctx, training.Job{
		Network: net, ArchID: t.ArchID, Arch: t.Arch, Rung: t.Rung, Seed: t.Seed, Data: s.data, Slot: slot,
		Dir: filepath.Join(s.folder, t.Run, t.ArchID),
	})
	if err != nil {
		return Outcome{}, err
	}
	o := outcomeOf(t, worker, began)
	if o.Result, err = json.Marshal(x); err != nil {
		return Outcome{}, err
	}
	return o, o.Seal()
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
