package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"nas/accuracy/images"
	"nas/accuracy/train"
	"nas/blocks"
	"nas/blocks/pytorch"
	"nas/internal/boundedfile"
	"nas/internal/plural"
	"nas/internal/report"
	"nas/internal/resolve"
	"nas/internal/work"
)

// trainingFiles are what a training writes, and the checkpoint that it goes on from.
type trainingFiles struct {
	weights, checkpoint, plot string
	old                       []byte // the checkpoint; nil: there is none
}

// maxCheckpoint bounds a checkpoint that is read.
const maxCheckpoint = 1 << 31

// trainingFiles checks where a training writes, and reads the checkpoint.
func (a *app) trainingFiles(o *trainFlags) (*trainingFiles, error) {
	if strings.ToLower(filepath.Ext(o.out)) != ".safetensors" {
		return nil, usagef("--out %s: want a file that ends in .safetensors", o.out)
	}
	base := strings.TrimSuffix(o.out, filepath.Ext(o.out))
	f := &trainingFiles{weights: o.out, checkpoint: base + ".checkpoint", plot: o.plot}
	if f.plot == "" {
		f.plot = base + ".svg"
	}
	if err := a.picture("--plot", f.plot); err != nil {
		return nil, err
	}
	for _, path := range []string{f.weights, f.checkpoint} {
		if err := a.place("--out", path); err != nil {
			return nil, err
		}
	}
	_, err := os.Stat(f.checkpoint)
	if _, other := os.Stat(f.weights); !o.resume && (err == nil || other == nil) {
		return nil, usagef("%s is there already: --resume goes on with its training; or give another --out, or move it away",
			map[bool]string{true: f.checkpoint, false: f.weights}[err == nil])
	}
	if !o.resume || errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if f.old, err = boundedfile.Read(f.checkpoint, maxCheckpoint); err != nil {
		return nil, usage(err)
	}
	return f, nil
}

// epochs trains until the last one that is wanted, and prints a row for each.
func (a *app) epochs(ctx context.Context, t *train.Trainer, data *images.Data, o trainFlags, files *trainingFiles,
	out *trained) error {
	if !a.json {
		held := "of the set's own"
		if data.HeldOut {
			held = "held out"
		}
		a.printf("%s, %s; %d images to train on, %d %s to judge by; %.0f MB for the maps of a batch\n", out.Network,
			plural.Of(int(out.Params), "parameter"), out.Images, out.Val, held, float64(t.MapBytes())/1e6)
		a.printf("%s\n", epochHead)
		for _, e := range t.Curve() {
			a.printf("%s\n", epochRow(e))
		}
	}
	for t.Done() < o.until {
		began := time.Now()
		name := fmt.Sprintf("epoch %d", t.Done()+1)
		e, err := t.Epoch(ctx, func(done int, loss float64) {
			a.meter.progress(work.Progress{Step: name, Done: done, Total: t.Steps(), Note: fmt.Sprintf("loss %.4f", loss)})
		})
		a.meter.end()
		if err == nil {
			e.ValPct, err = train.Judge(ctx, t.Network(), t.Weights(), data.Val, o.Workers)
		}
		if err != nil {
			if ctx.Err() != nil && len(t.Curve()) > 0 {
				a.notef("%s has the training after epoch %d: --resume goes on there\n", files.checkpoint, len(t.Curve()))
			}
			return err
		}
		e.Seconds = time.Since(began).Seconds()
		t.Record(e)
		if !a.json {
			a.printf("%s\n", epochRow(e))
		}
		if err := a.save(files.checkpoint, t.Save); err != nil {
			return err
		}
	}
	out.Epochs = t.Curve()
	return nil
}

const epochHead = "epoch     loss  train %    val %      rate  seconds"

// epochRow is a row of the table.
func epochRow(e train.Epoch) string {
	return fmt.Sprintf("%5d  %7.4f  %7.2f  %7.2f  %8.5f  %7.1f", e.Epoch, e.Loss, e.TrainPct, e.ValPct, e.Rate, e.Seconds)
}

// saveTrained writes the weights and the learning curve.
func (a *app) saveTrained(t *train.Trainer, n *resolve.Network, files *trainingFiles, out *trained) error {
	m, err := pytorch.New(n.Network)
	if err != nil {
		return err
	}
	if err := a.save(files.weights, func(w io.Writer) error { return m.WriteSafetensors(w, t.Weights()) }); err != nil {
		return err
	}
	if err := a.draw(files.plot, learningOf(out)); err != nil {
		return err
	}
	if !a.quiet {
		a.notef("%s, %s\n", files.weights, files.plot)
	}
	return nil
}

// learningOf is the figure of a training.
func learningOf(out *trained) report.Learning {
	last := out.Epochs[len(out.Epochs)-1]
	g := report.Learning{
		Title: out.Network + ": training", YLabel: "accuracy (%)",
		Subtitle: fmt.Sprintf("%.2f %% of %d validation images after %s", last.ValPct, out.Val,
			plural.Of(last.Epoch, "epoch")),
		Lines: []report.LearningLine{{Name: "validation images, averaged weights"},
			{Name: "training images, while they are trained on"}},
	}
	for _, e := range out.Epochs {
		x := float64(e.Epoch)
		g.Lines[0].Points = append(g.Lines[0].Points, report.XY{X: x, Y: e.ValPct})
		g.Lines[1].Points = append(g.Lines[1].Points, report.XY{X: x, Y: e.TrainPct})
	}
	return g
}

// judgeInherited says what weights are worth before they are trained.
func (a *app) judgeInherited(ctx context.Context, t *train.Trainer, data *images.Data, workers int) error {
	t.Settle()
	pct, err := train.Judge(ctx, t.Network(), t.Weights(), data.Val, workers)
	if err == nil && !a.quiet {
		a.notef("before the training %.2f %% of the validation images are right\n", pct)
	}
	return err
}

// settled fits the batch normalisation of weights to images.
func settled(n *blocks.Network, w *blocks.Weights, dir string) (*blocks.Weights, error) {
	data, err := images.Open(dir, images.Options{Shape: n.Input()})
	if err != nil {
		return nil, usage(err)
	}
	o := train.Defaults()
	o.Workers = runtime.NumCPU()
	t, err := train.New(n, w, data.Train, o)
	if err != nil {
		return nil, usage(err)
	}
	defer t.Close()
	t.Settle()
	return t.Weights(), nil
}
