package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"nas/blocks"
	"nas/internal/command"
	"nas/internal/fault"
)

// Job is the training of one network by one rung.
type Job struct {
	Network *blocks.Network
	ArchID  string // names the network: 12 hex digits
	Arch    string // the arch string; "" where there is none
	Rung    int    // index into the epochs of the recipe
	Seed    uint64
	Dir     string // the trial's folder; made if it is missing
	Data    string // what {data} stands for
	Slot    string // the name of the slot that it runs in, "" for one without
	// Report, if not nil, is called with each accuracy as it is printed.
	Report func(Report)
}

// Report is an accuracy on the way.
type Report struct {
	Epoch    float64 `json:"epoch,omitempty"` // 0 where the command does not tell
	Accuracy float64 `json:"accuracy"`        // in the recipe's unit
	Loss     float64 `json:"loss,omitempty"`  // 0 where the command does not tell
}

// Outcome is a rung that ended well.
type Outcome struct {
	Accuracy float64  `json:"accuracy"` // in the recipe's unit
	Curve    []Report `json:"curve,omitempty"`
	Seconds  float64  `json:"seconds"` // of wall time
}

// Trainer trains networks. [Recipe] is one.
type Trainer interface {
	// Train brings a network to a rung. Its error is that of ctx if that ended it; any other says in a sentence why
	// this network has no accuracy.
	Train(ctx context.Context, j Job) (Outcome, error)
}

const (
	maxOutput   = 256 << 20 // bytes that a command may print in one rung
	tailBytes   = 16 << 10  // of its end that are kept
	quotedLines = 20
	quotedWidth = 200 // characters of each line
)

// SetUp runs the recipe's commands that come before the first training.
func (r *Recipe) SetUp(ctx context.Context, data string) error {
	for _, args := range r.spec.Setup {
		tail := command.Tail{Bytes: tailBytes}
		c := r.command(expand(args, map[string]string{"recipe": r.folder, "data": data}), r.spec.Slots[0])
		c.Dir, c.Stdout, c.Stderr = r.folder, &tail, &tail
		if err := c.Run(ctx); err != nil {
			program := args[0]
			if found, notFound := exec.LookPath(program); notFound == nil {
				program = found
			}
			return fault.Errorf("training: recipe %s: no training can begin, as its setup says: %s: %w%s", r.spec.Name,
				program, err, quote(&tail))
		}
	}
	return nil
}

// Train implements [Trainer].
func (r *Recipe) Train(ctx context.Context, j Job) (out Outcome, err error) {
	attempts := r.spec.Retries + 1
	for n := 0; n < attempts; n++ {
		if out, err = r.once(ctx, j); err == nil || ctx.Err() != nil {
			break
		}
		if n == 0 && killed(err) {
			attempts = max(attempts, 2)
		}
	}
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if err != nil && attempts > 1 {
		err = fmt.Errorf("%d attempts: %w", attempts, err)
	}
	return out, err
}

// killed reports whether a command was ended by a signal that this program did not send.
func killed(err error) bool {
	exit := (*exec.ExitError)(nil)
	return errors.As(err, &exit) && !exit.Exited()
}

// once starts the command and reads what it prints.
func (r *Recipe) once(ctx context.Context, j Job) (Outcome, error) {
	fresh, err := r.prepare(&j)
	if err != nil {
		return Outcome{}, err
	}
	from := 0
	if j.Rung > 0 && !fresh {
		from = r.spec.Rungs[j.Rung-1]
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	read := reading{recipe: r, job: &j, fail: cancel}
	tail := command.Tail{Bytes: tailBytes}
	lines := [2]command.Lines{{Each: read.line}, {Each: read.line}} // of the two outputs
	c := r.command(expand(r.spec.Command, r.values(&j, from)), j.Slot)
	c.Dir, c.Token = j.Dir, j.Dir
	c.Stdout, c.Stderr = io.MultiWriter(&tail, &lines[0]), io.MultiWriter(&tail, &lines[1])
	err = c.Run(inner)
	lines[0].End()
	lines[1].End()
	switch {
	case ctx.Err() != nil:
		return Outcome{}, context.Cause(ctx)
	case read.err != nil:
		err = read.err
	case err == nil:
		err = read.end()
	case killed(err):
		err = fmt.Errorf("%w: something else ended it, such as the system for lack of memory", err)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("%w%s", err, quote(&tail))
	}
	return Outcome{read.last.Accuracy, read.curve, time.Since(began).Seconds()}, nil
}

// values are what the placeholders of a job stand for.
func (r *Recipe) values(j *Job, from int) map[string]string {
	in, out := j.Network.Input(), j.Network.Output()
	return map[string]string{
		"dir": j.Dir, "recipe": r.folder, "data": j.Data, "epochs": strconv.Itoa(r.spec.Rungs[j.Rung]),
		"from": strconv.Itoa(from), "rung": strconv.Itoa(j.Rung), "seed": strconv.FormatUint(j.Seed, 10), "gpu": j.Slot,
		"threads": strconv.Itoa(r.threads()), "classes": strconv.Itoa(out.C), "size": strconv.Itoa(in.H),
		"total": strconv.Itoa(r.spec.Rungs[len(r.spec.Rungs)-1]), "nas": thisProgram(),
	}
}

// thisProgram is the path of the program that runs, for a recipe whose command it is.
func thisProgram() string {
	path, err := os.Executable()
	if err != nil {
		return "nas" // that of the PATH
	}
	return path
}

// threads is the share of one slot of the cores.
func (r *Recipe) threads() int { return max(1, runtime.NumCPU()/len(r.spec.Slots)) }

// expand replaces the placeholders in the arguments of a command.
func expand(args []string, values map[string]string) []string {
	var pairs []string
	for name, v := range values {
		pairs = append(pairs, "{"+name+"}", v)
	}
	in := strings.NewReplacer(pairs...)
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = in.Replace(a)
	}
	return out
}

// passed are the variables of the environment that every program gets.
var passed = []string{
	"PATH", "HOME", "USER", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "SYSTEMROOT", "TEMP",
	"USERPROFILE",
}

// command returns a program with the environment and the limits of the recipe. Python writes its lines at once, and
// libraries for linear algebra take no more threads than the slot has.
func (r *Recipe) command(args []string, slot string) *command.Command {
	threads := strconv.Itoa(r.threads())
	env := []string{"PYTHONUNBUFFERED=1", "OMP_NUM_THREADS=" + threads, "NAS_GPU=" + slot}
	for _, name := range slices.Concat(passed, r.spec.Env) {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return &command.Command{
		Args: args, Env: env, MaxOutput: maxOutput, Timeout: time.Duration(r.spec.TimeoutS * float64(time.Second)),
	}
}

// quote returns the last lines of an output, to stand behind a message.
func quote(tail *command.Tail) string {
	lines := tail.Lines(quotedLines)
	if len(lines) == 0 {
		return "; it printed nothing"
	}
	for i, l := range lines {
		l = strings.ToValidUTF8(l, "?")
		if cut := []rune(l); len(cut) > quotedWidth {
			l = string(cut[:quotedWidth]) + "..."
		}
		lines[i] = l
	}
	last := "line"
	if len(lines) > 1 {
		last = fmt.Sprintf("%d lines", len(lines))
	}
	return fmt.Sprintf("; its last %s:\n  %s", last, strings.Join(lines, "\n  "))
}
