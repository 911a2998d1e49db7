package tasks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// Format is the version of tasks, setups and outcomes. Programs with different formats refuse each other's.
const Format = 1

// The kinds of tasks.
const (
	// Evaluate judges a candidate as the run would: its result is a trial's. It needs the numeric class of the run.
	Evaluate = "evaluate"
	// Measure times a network on the device of the worker.
	Measure = "measure"
	// Train brings a network to a rung of an evaluator recipe that the worker has.
	Train = "train"
)

// Bounds of what is read, in bytes or entries.
const (
	MaxTask    = 64 << 10 // of one task's JSON
	MaxOutcome = 256 << 10
	maxGenes   = 4096
	maxText    = 16 << 10 // of an arch string
)

// Task is what one evaluation needs to know besides the setup.
type Task struct {
	Format int      `json:"format"`
	Run    string   `json:"run"` // [Setup.ID]
	Kind   string   `json:"kind"`
	Trial  int      `json:"trial"`
	ArchID string   `json:"arch_id"`
	Arch   string   `json:"arch"`
	Genes  []uint16 `json:"genes,omitempty"`
	On     string   `json:"on,omitempty"` // the worker that is to measure; "" for any
	// Of a training: the rung, the seed, and the hashes of the recipe and of the data.
	Rung   int    `json:"rung,omitempty"`
	Seed   uint64 `json:"seed,omitempty"`
	Recipe string `json:"recipe,omitempty"`
	Data   string `json:"data,omitempty"`
}

// NewTask returns the task of a candidate, which is described.
func NewTask(run, kind string, c *search.Candidate) Task {
	t := search.NewTrial(*c, search.Result{})
	return Task{Format: Format, Run: run, Kind: kind, Trial: t.ID, ArchID: t.ArchID, Arch: t.Arch, Genes: t.Genes}
}

// Key names the task among those of its run.
func (t *Task) Key() string { return keyOf(t.Kind, t.Trial, t.On, t.ArchID, t.Rung) }

// EvaluationKey is the key of the evaluation of a trial. There are more of them than of others, so it is short.
func EvaluationKey(trial int) string { return strconv.Itoa(trial) }

func keyOf(kind string, trial int, on, archID string, rung int) string {
	switch kind {
	case Evaluate:
		return EvaluationKey(trial)
	case Train: // it is the network's, not the trial's
		return kind + "-" + archID + "-" + strconv.Itoa(rung)
	}
	return kind + "-" + strconv.Itoa(trial) + on
}

// Check returns what is wrong with a task that somebody else wrote, or nil.
func (t *Task) Check() error {
	switch {
	case t.Format != Format:
		return fault.Errorf("tasks: the task has format %d, this nas knows %d: use the same version everywhere",
			t.Format, Format)
	case t.Kind != Evaluate && t.Kind != Measure && t.Kind != Train:
		return fault.Errorf("tasks: kind is %.20q: this nas knows %s, %s and %s", t.Kind, Evaluate, Measure, Train)
	case !isID(t.Run, 16), t.Trial < 0, !isID(t.ArchID, 12), len(t.Genes) > maxGenes, len(t.Arch) > maxText,
		len(t.On) > 64, t.Rung < 0, t.Rung > 64, len(t.Recipe) > 64, len(t.Data) > 64:
		return fault.New("tasks: run, trial, arch_id, arch or genes are not those of a task")
	}
	return nil
}

// isID tells whether s is so many hex digits.
func isID(s string, n int) bool {
	_, err := hex.DecodeString(s)
	return len(s) == n && err == nil
}

// Outcome is what came of a task.
type Outcome struct {
	Format  int     `json:"format"`
	Run     string  `json:"run"`
	Kind    string  `json:"kind"`
	Trial   int     `json:"trial"`
	ArchID  string  `json:"arch_id"`
	On      string  `json:"on,omitempty"`
	Rung    int     `json:"rung,omitempty"`
	Worker  string  `json:"worker"`           // a name for people
	Version string  `json:"version"`          // of the worker's program
	Seconds float64 `json:"seconds"`          // of work
	Failed  string  `json:"failed,omitempty"` // why there is no result, of a task that is no evaluation
	// Result is the line of trials.jsonl of an evaluation, without genes, a [Measurement] of a measurement, and a
	// [training.Outcome] of a training.
	Result json.RawMessage `json:"result,omitempty"`
	Sum    string          `json:"sum"` // of all the others, against damage
}

// Key is the key of the task.
func (o *Outcome) Key() string { return keyOf(o.Kind, o.Trial, o.On, o.ArchID, o.Rung) }

// Seal computes Sum.
func (o *Outcome) Seal() error {
	sum, err := o.sum()
	o.Sum = sum
	return err
}

func (o *Outcome) sum() (string, error) {
	unsealed := *o
	unsealed.Sum = ""
	b, err := json.Marshal(&unsealed)
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8]), err
}

// ParseOutcome reads what somebody else wrote. The error says why it is no outcome.
func ParseOutcome(data []byte) (o Outcome, err error) {
	if len(data) > MaxOutcome {
		return o, fault.Errorf("tasks: the outcome is longer than %d bytes", MaxOutcome)
	}
	if err = jsonfile.Decode(data, &o); err != nil {
		return o, fault.Errorf("tasks: the outcome is damaged: %w", err)
	}
	return o, o.Check()
}

// Check returns what is wrong with an outcome that somebody else wrote, or nil. It does not look at the result.
func (o *Outcome) Check() error {
	if o.Format != Format {
		return fault.Errorf("tasks: the outcome has format %d, this nas knows %d: use the same version everywhere",
			o.Format, Format)
	}
	if sum, err := o.sum(); err != nil || sum != o.Sum {
		return fault.New("tasks: the outcome is damaged: its sum is not that of its text")
	}
	if o.Trial < 0 || !isID(o.Run, 16) || !isID(o.ArchID, 12) || len(o.Worker) > 256 || len(o.Version) > 256 ||
		len(o.Result) > MaxOutcome {
		return fault.New("tasks: run, trial, arch_id, worker or version are not those of an outcome")
	}
	return nil
}

// Failed returns the outcome of a task that was given up.
func Failed(t *Task, worker, why string) (Outcome, error) {
	o := outcomeOf(t, worker, time.Now())
	o.Seconds = 0
	if t.Kind == Evaluate {
		o.setTrial(t, search.Result{Failed: why})
	} else {
		o.Failed = why
	}
	return o, o.Seal()
}

// CheckResult returns what is wrong with the result of an outcome that is not an evaluation, or nil.
func (o *Outcome) CheckResult() error {
	if o.Failed != "" {
		return nil
	}
	if o.Kind == Train {
		_, err := o.Training()
		return err
	}
	_, err := o.Measurement()
	return err
}

// setTrial makes r the result of an evaluation.
func (o *Outcome) setTrial(t *Task, r search.Result) {
	x := search.Trial{ID: t.Trial, ArchID: t.ArchID, Genes: space.Genes{}, Result: r}
	o.Result = bytes.TrimSpace(runstore.AppendTrial(nil, &x))
}

// TrialResult returns the result of an evaluation of the candidate c.
func (o *Outcome) TrialResult(c *search.Candidate) (search.Result, error) {
	t, err := runstore.ParseTrial(o.Result)
	if err != nil {
		return search.Result{}, fault.Errorf("tasks: the result is damaged: %w", err)
	}
	if o.Kind != Evaluate || t.ID != c.ID || t.ArchID != c.ArchID || o.Trial != c.ID || o.ArchID != c.ArchID {
		return search.Result{}, fault.Errorf("tasks: the result is of trial %d, network %s; trial %d is network %s",
			t.ID, t.ArchID, c.ID, c.ArchID)
	}
	return t.Result, nil
}

// Measurement is the result of a measurement, in milliseconds.
type Measurement struct {
	Device  string  `json:"device"`
	Threads int     `json:"threads"`
	Median  float64 `json:"median_ms"`
	P10     float64 `json:"p10_ms"`
	P90     float64 `json:"p90_ms"`
	Runs    int     `json:"runs"`
}

// Measurement returns the result of a measurement.
func (o *Outcome) Measurement() (m Measurement, err error) {
	if o.Kind != Measure {
		return m, fmt.Errorf("the outcome is of kind %.20q", o.Kind)
	}
	if err = json.Unmarshal(o.Result, &m); err == nil && (m.Device == "" || !(m.Median > 0) || len(m.Device) > 512) {
		err = errors.New("the measurement has no device or no time")
	}
	return m, err
}
