package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"

	"nas/internal/boundedfile"
)

// reading is what has been read of the output of a job.
type reading struct {
	recipe *Recipe
	job    *Job
	fail   func(cause error) // ends the command
	err    error
	last   Report
	read   bool // last is one
	curve  []Report
}

// maxCurve bounds the reports that are kept of one rung.
const maxCurve = 10_000

// line reads one line of output. What cannot be an accuracy ends the command at once.
func (r *reading) line(text string) {
	p := r.recipe.pattern
	if p == nil || r.err != nil {
		return
	}
	m := p.FindStringSubmatch(text)
	if m == nil {
		return
	}
	var x Report
	params := math.NaN()
	for _, g := range []struct {
		name string
		to   *float64
	}{{"accuracy", &x.Accuracy}, {"epoch", &x.Epoch}, {"loss", &x.Loss}, {"params", &params}} {
		i := p.SubexpIndex(g.name)
		if i < 0 || m[i] == "" {
			if g.name == "accuracy" {
				x.Accuracy = math.Inf(-1) // a line about something else
			}
			continue
		}
		v, err := strconv.ParseFloat(m[i], 64)
		if err != nil {
			r.stop(fmt.Errorf("%s is %q in the line %q, want a number", g.name, m[i], shorten(text)))
			return
		}
		*g.to = v
	}
	r.note(x, params, !math.IsInf(x.Accuracy, -1))
}

// note takes a report of the command's, if there is one, and what it says of its parameters, NaN for nothing.
func (r *reading) note(x Report, params float64, isReport bool) {
	if want := r.job.Network.Counts().Params; !math.IsNaN(params) && params != float64(want) {
		r.stop(fmt.Errorf("it trains a network of %.0f parameters, and net.py has %d: does the command build another one?",
			params, want))
		return
	}
	if math.IsNaN(x.Loss) || math.IsInf(x.Loss, 0) {
		r.stop(fmt.Errorf("the loss is %g: did the training diverge?", x.Loss))
		return
	}
	if !isReport {
		return
	}
	if err := r.check(x.Accuracy); err != nil {
		r.stop(err)
		return
	}
	r.last, r.read = x, true
	if len(r.curve) < maxCurve {
		r.curve = append(r.curve, x)
	}
	if r.job.Report != nil {
		r.job.Report(x)
	}
}

// fewClasses are so few that guessing is right in more than 1 % of the images.
const fewClasses = 50

// check refuses what is no accuracy.
func (r *reading) check(v float64) error {
	spec := &r.recipe.spec
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Errorf("the accuracy is %g: did the training diverge?", v)
	case spec.Unit != "pct":
	case v < 0 || v > 100:
		return fmt.Errorf("the accuracy is %g, and unit = \"pct\" goes from 0 to 100", v)
	case v > 0 && v <= 1 && spec.Goal == Maximise && r.job.Network.Output().C <= fewClasses:
		return fmt.Errorf("the accuracy is %g, less than 1 %%: if the command prints a fraction, have it print per cent, or "+
			"leave unit out and set worst = 0", v)
	}
	return nil
}

func (r *reading) stop(err error) {
	r.err = err
	r.fail(err)
}

// end completes the reading when the command has ended well.
func (r *reading) end() error {
	if name := r.recipe.spec.Result; name != "" {
		if err := r.file(name); err != nil || r.err != nil {
			return errors.Join(err, r.err)
		}
	}
	epochs := r.recipe.spec.Rungs[r.job.Rung]
	switch {
	case !r.read:
		return fmt.Errorf("the command ended well, and no line matched pattern = '%s': have it print one, or change the "+
			"pattern", r.recipe.spec.Pattern)
	case r.last.Epoch > 0 && r.last.Epoch != float64(epochs):
		return fmt.Errorf("the command ended after epoch %g, and the rung is of %d: does it heed {epochs}?", r.last.Epoch,
			epochs)
	}
	return nil
}

// file reads the result from a file.
func (r *reading) file(name string) error {
	data, err := boundedfile.Read(filepath.Join(r.job.Dir, filepath.FromSlash(name)), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the command ended well, and wrote no result = %q", name)
	}
	if err != nil {
		return err
	}
	var v struct{ Accuracy, Epoch, Loss, Params *float64 }
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("result = %q: %w", name, err)
	}
	if v.Accuracy == nil {
		return fmt.Errorf("result = %q has no key accuracy", name)
	}
	get := func(p *float64, otherwise float64) float64 {
		if p == nil {
			return otherwise
		}
		return *p
	}
	r.note(Report{get(v.Epoch, 0), *v.Accuracy, get(v.Loss, 0)}, get(v.Params, math.NaN()), true)
	return nil
}

// shorten cuts a line that is quoted in a message.
func shorten(line string) string {
	if r := []rune(line); len(r) > quotedWidth {
		return string(r[:quotedWidth]) + "..."
	}
	return line
}
