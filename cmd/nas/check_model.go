package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/internal/buildinfo"
	"nas/internal/device"
	"nas/internal/regression"
	"nas/internal/resolve"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/timing"
)

// againstOptions are the flags of nas check MODEL.
type againstOptions struct {
	file      string
	update    bool
	tolerance float64 // per cent
	budget    time.Duration
	seed      uint64
	on        device.Choice
}

func (o *againstOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.file, "against", "", "a baseline `FILE` (.json) that --update has written, or another network")
	f.BoolVar(&o.update, "update", false, "measure the model and write it into the baseline file of --against")
	f.Float64Var(&o.tolerance, "tolerance", 3, "difference in `PER CENT` that counts as none")
	f.DurationVar(&o.budget, "budget", time.Minute, "how long to measure until it cannot be told")
	f.Uint64Var(&o.seed, "seed", 1, "of the order in which the two are measured")
	deviceFlags(cmd, &o.on, "what runs them", "threads")
}

// verdictError is the exit code of a verdict that is not a pass.
type verdictError struct {
	code    int
	message string
}

func (e *verdictError) Error() string { return e.message }

// checkModel is nas check MODEL --against FILE.
func (a *app) checkModel(cmd *cobra.Command, model string, profiles []string, o againstOptions) error {
	switch {
	case !(o.tolerance > 0 && o.tolerance <= 100):
		return usagef("--tolerance %g: want a difference in per cent above 0, at most 100", o.tolerance)
	case o.budget <= 0:
		return usagef("--budget %v: want a time above 0", o.budget)
	case len(profiles) > 1:
		return usagef("%d profiles are given: a model is checked with one", len(profiles))
	case o.update && len(profiles) > 0:
		return usagef("--update measures the model, --profile predicts it: choose one")
	case cmd.Flags().Changed("workers"):
		return usagef("--workers is for a config: leave it out")
	}
	n, err := a.find(model)
	if err != nil {
		return err
	}
	timed, err := inFloats(n)
	if err != nil {
		return err
	}
	if o.update {
		return a.updateBaseline(cmd, n, timed, o)
	}
	name, other, stored, err := a.baselineOf(o.file)
	if err != nil {
		return err
	}
	var r regression.Result
	on := ""
	if len(profiles) == 1 {
		p, err := profileOf(profiles[0], o.on)
		if err != nil {
			return err
		}
		predictor, err := p.Predictor()
		if err != nil {
			return err
		}
		on = p.Device.String()
		if r, err = regression.Predict(timed, other, predictor, o.tolerance/100); err != nil {
			return err
		}
	} else {
		rt, err := runtimeOf(o.on)
		if err != nil {
			return err
		}
		on = rt.Device().String()
		if stored != nil && stored.Device != on && !a.quiet {
			a.notef("note: the baseline was measured on %s: it is measured anew here\n", stored.Device)
		}
		m := a.meter
		defer m.end()
		r, err = regression.Measure(cmd.Context(), timed, other, rt, regression.Options{
			Tolerance: o.tolerance / 100, Budget: o.budget, Baseline: latency.CachedBaseline(rt.Device()), Seed: o.seed,
			Progress: func(_ int, d time.Duration) {
				done := work.Progress{Step: "measure", Total: int(o.budget.Seconds())}
				done.Done = min(done.Total, int(d.Seconds()))
				m.progress(done)
			},
		})
		m.end()
		if err != nil {
			return err
		}
	}
	return a.printVerdict(n.Title, name, on, r, o)
}

// baselineOf returns the network that a model is held against, and the baseline it is from, nil for a plain
// network.
func (a *app) baselineOf(file string) (name string, n *blocks.Network, stored *regression.Baseline, err error) {
	if filepath.Ext(file) == ".json" {
		switch _, err := os.Stat(file); {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil, nil, usagef("there is no %s: nas check MODEL --against %s --update writes it", file, file)
		case regression.IsBaseline(file):
			stored, n, err := regression.Read(file)
			if err != nil {
				return "", nil, nil, usage(err)
			}
			return stored.Name + " of " + file, n, stored, nil
		}
	}
	other, err := a.find(file)
	if err != nil {
		return "", nil, nil, err
	}
	n, err = inFloats(other)
	return other.Title, n, nil, err
}

// updateBaseline measures a model and writes the baseline file.
func (a *app) updateBaseline(cmd *cobra.Command, n *resolve.Network, timed *blocks.Network, o againstOptions) error {
	if filepath.Ext(o.file) != ".json" {
		return usagef("--against %s with --update: want a file that ends in .json", o.file)
	}
	if _, err := os.Stat(o.file); err == nil && !regression.IsBaseline(o.file) {
		return usagef("%s is no baseline and would be overwritten: give another name, or delete it", o.file)
	}
	if err := a.place("--against", o.file); err != nil {
		return err
	}
	rt, err := runtimeOf(o.on)
	if err != nil {
		return err
	}
	b, err := regression.NewBaseline(n.Title, timed)
	if err != nil {
		return err
	}
	known := timing.MeasureOptions{Baseline: latency.CachedBaseline(rt.Device())}
	s, err := timing.Measure(cmd.Context(), timed, rt, known)
	if err != nil {
		return err
	}
	b.Device, b.MedianMs, b.LowMs, b.HighMs = rt.Device().String(), s.MedianMs, s.LowMs, s.HighMs
	b.Created, b.Version = time.Now().UTC().Truncate(time.Second), buildinfo.Version()
	text, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return err
	}
	if err := a.save(o.file, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err }); err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(map[string]any{"baseline": o.file, "name": b.Name, "device": b.Device, "median_ms": b.MedianMs})
	}
	a.printf("%s: %s takes %s ms (%s to %s) on %s\n", o.file, b.Name, ms(b.MedianMs), ms(b.LowMs), ms(b.HighMs), b.Device)
	a.warn(s.Warnings)
	return nil
}

// printVerdict prints a verdict and returns its exit code as an error.
func (a *app) printVerdict(model, baseline, on string, r regression.Result, o againstOptions) error {
	sentence := map[regression.Word]string{
		regression.Faster: "faster than", regression.Slower: "slower than", regression.Same: "as fast as",
	}[r.Verdict]
	measured := fmt.Sprintf("%d pairs in %.0f s", len(r.Pairs), r.Seconds)
	if len(r.Pairs) == 0 {
		measured = "predicted"
	}
	what := fmt.Sprintf("%s is %s %s", model, sentence, baseline)
	if r.Verdict == regression.Undecided {
		what = fmt.Sprintf("%s and %s cannot be told apart on this machine today", model, baseline)
		if len(r.Pairs) == 0 {
			what = fmt.Sprintf("%s and %s cannot be told apart with this profile", model, baseline)
		}
	}
	if a.json {
		if err := a.writeJSON(struct {
			Model    string `json:"model"`
			Baseline string `json:"baseline"`
			Device   string `json:"device"`
			regression.Result
		}{model, baseline, on, r}); err != nil {
			return err
		}
	} else {
		a.printf("%s\n", what)
		a.printf("%s ms against %s ms, ratio %.3f", ms(r.ModelMs), ms(r.BaselineMs), r.Ratio)
		if r.High > 0 {
			a.printf(" (95 %%: %.3f to %.3f)", r.Low, r.High)
		}
		a.printf(", tolerance %g %%; %s on %s\n", o.tolerance, measured, on)
		a.warn(r.Warnings)
	}
	switch r.Verdict {
	case regression.Slower:
		return &verdictError{exitFailed, what}
	case regression.Undecided:
		return &verdictError{exitUndecided, what + ": a longer --budget or a quieter machine may tell"}
	}
	return nil
}
