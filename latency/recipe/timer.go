package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"nas/blocks"
	"nas/internal/command"
	"nas/internal/fault"
	"nas/internal/plural"
	"nas/internal/stat"
	"nas/latency/recipe/internal/output"
	"nas/latency/timing"
)

// minRuns is how often a command is asked to run a network, at least.
const minRuns = 30

// cleanupTime bounds the command Cleanup.
const cleanupTime = 5 * time.Second

// maxOutput bounds what is kept of a command's output.
const maxOutput = 4 << 20

// Open asks the device what it is, makes a directory for models, and sets the
// device up.
func (r *Recipe) Open(ctx context.Context, known timing.Baseline) (timing.Timer, error) {
	if _, err := r.about(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "nas-latency-")
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	t := &timer{r: r, dir: dir, base: known.ReferenceMs}
	for _, f := range r.spec.Files {
		var b []byte
		if b, err = fs.ReadFile(r.files, f); err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o755)
		}
		if err != nil {
			break
		}
	}
	for _, c := range r.spec.Setup {
		if err == nil {
			_, err = r.run(ctx, r.expand(c, start{dir: dir}))
		}
	}
	if err != nil {
		t.Close()
		return nil, fault.Errorf("latency: recipe %s: %w", r.spec.Name, err)
	}
	return t, nil
}

// timer times networks by starting commands.
type timer struct {
	r   *Recipe
	dir string
	n   int // models written
	// base is the time of the reference networks when the profile was made, 0 if there is no
	// profile yet; seen are their times in this session, one for each start.
	base float64
	seen []float64
}

// Baseline holds the median time of the reference networks over this session's starts; nothing for
// commands that take one model.
func (t *timer) Baseline() timing.Baseline {
	if len(t.seen) == 0 {
		return timing.Baseline{}
	}
	return timing.Baseline{ReferenceMs: stat.Median(slices.Clone(t.seen))}
}

// Close removes the directory.
func (t *timer) Close() []string {
	os.RemoveAll(t.dir)
	return nil
}

// Time times one network.
func (t *timer) Time(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	ts, err := t.TimeBatch(ctx, []*blocks.Network{n}, e)
	if err != nil {
		return timing.Timing{}, err
	}
	return ts[0], nil
}

// Batch is the number of models of one start.
func (t *timer) Batch() int { return t.r.spec.Batch }

// TimeBatch times networks, as many in one start as the recipe says. If one start takes many, the
// reference networks are timed in the same start, and the times of the networks are divided by
// the slowdown of these against the profile's baseline.
func (t *timer) TimeBatch(ctx context.Context, nets []*blocks.Network, e timing.Effort) ([]timing.Timing, error) {
	var refs []*blocks.Network
	batch := 1
	if t.r.many {
		batch, refs = t.r.spec.Batch, referenceNetworks()
	}
	out := make([]timing.Timing, 0, len(nets))
	for part := range slices.Chunk(nets, batch) {
		s, err := t.many(ctx, slices.Concat(refs, part), max(e.Runs, minRuns))
		if err != nil {
			return nil, err
		}
		ref := 0.0
		for _, r := range s[:len(refs)] {
			ref += math.Log(r.MedianMs) / float64(len(refs))
		}
		slow := 1.0
		if len(refs) > 0 {
			ref = math.Exp(ref)
			t.seen = append(t.seen, ref)
			if t.base > 0 {
				slow = ref / t.base
			}
		}
		for _, w := range s[len(refs):] {
			out = append(out, timing.Timing{
				EndToEnd: w.Scaled(1 / slow), Runs: w.Runs, Conditions: timing.Conditions{Slowdown: slow, RefMs: ref},
			})
		}
	}
	return out, nil
}

// referenceNetworks are three networks of MobileNetV2's kind, which take from a tenth of a
// millisecond to some: what slows a machine down slows small and large networks differently.
var referenceNetworks = sync.OnceValue(func() []*blocks.Network {
	var nets []*blocks.Network
	for _, size := range []struct{ side, channels, depth int }{{64, 8, 3}, {112, 16, 4}, {160, 24, 6}} {
		b := blocks.NewBuilder(fmt.Sprintf("reference%d", size.side), blocks.Shape{H: size.side, W: size.side, C: 3})
		x := blocks.ConvBNAct{Out: size.channels, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
		for i := range size.depth {
			x = blocks.InvertedResidual{
				Out: size.channels << (i / 2), Expanded: b.Shape(x).C * 4, Kernel: 3 + 2*(i%2), Stride: 2 - i%2,
				Act: blocks.ReLU6,
			}.Build(b, x)
		}
		n, err := b.Network()
		if err != nil {
			panic(err) // constants
		}
		nets = append(nets, n)
	}
	return nets
})

// start is what the placeholders are replaced by in one start of a command.
type start struct {
	dir   string
	paths []string
	out   string
	runs  int
}

// expand replaces the placeholders in the arguments of a command.
func (r *Recipe) expand(command []string, s start) []string {
	names := make([]string, len(s.paths))
	for i, p := range s.paths {
		names[i] = filepath.Base(p)
	}
	path, name := "", ""
	if len(names) > 0 {
		path, name = s.paths[0], names[0]
	}
	in := strings.NewReplacer("{model}", path, "{name}", name,
		"{stem}", strings.TrimSuffix(name, filepath.Ext(name)), "{names}", strings.Join(names, " "),
		"{out}", s.out, "{dir}", s.dir, "{host}", r.spec.Host, "{remote}", r.spec.RemoteDir,
		"{threads}", strconv.Itoa(r.spec.Threads), "{runs}", strconv.Itoa(max(1, s.runs)),
		"{mask}", r.mask)
	var args []string
	for _, a := range command {
		switch a {
		case "{models}":
			args = append(args, s.paths...)
		case "{names}":
			args = append(args, names...)
		default:
			args = append(args, in.Replace(a))
		}
	}
	return args
}

// many times the networks of one start, and tries again if that fails.
func (t *timer) many(ctx context.Context, nets []*blocks.Network, runs int) (s []timing.Sample, err error) {
	paths := make([]string, len(nets))
	defer func() {
		for _, p := range paths {
			os.Remove(p)
		}
	}()
	for i, n := range nets {
		if err := timing.Stopped(ctx); err != nil {
			return nil, err
		}
		t.n++
		paths[i] = filepath.Join(t.dir, fmt.Sprintf("m%d.%s", t.n, t.r.spec.Format))
		if err := t.r.model.Write(paths[i], n); err != nil {
			return nil, err
		}
		if len(t.r.spec.Convert) > 0 {
			if paths[i], err = t.convert(ctx, paths[i]); err != nil {
				return nil, err
			}
		}
	}
	at := start{dir: t.dir, paths: paths, runs: runs}
	for range t.r.spec.Retries + 1 {
		if s, err = t.once(ctx, at); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, fault.Errorf(
			"latency: recipe %s, %s: %w",
			t.r.spec.Name,
			plural.Of(t.r.spec.Retries+1, "attempt"),
			err,
		)
	}
	return s, nil
}

// convert turns a model into another format and returns the new file.
func (t *timer) convert(ctx context.Context, path string) (string, error) {
	out := strings.TrimSuffix(path, filepath.Ext(path)) + "." + t.r.spec.Converted
	_, err := t.r.run(ctx, t.r.expand(t.r.spec.Convert, start{dir: t.dir, paths: []string{path}, out: out}))
	os.Remove(path)
	if err == nil {
		_, err = os.Stat(out)
	}
	if err != nil {
		return out, fault.Errorf("latency: recipe %s: convert: %w", t.r.spec.Name, err)
	}
	return out, nil
}

// once brings the models to the device, times them, and removes them there.
func (t *timer) once(ctx context.Context, s start) ([]timing.Sample, error) {
	if push := t.r.spec.Push; len(push) > 0 {
		if _, err := t.r.run(ctx, t.r.expand(push, s)); err != nil {
			return nil, err
		}
	}
	out, err := t.r.run(ctx, t.r.expand(t.r.spec.Command, s))
	if c := t.r.spec.Cleanup; len(c) > 0 {
		// Also when the time is up; what stays there is overwritten by the next.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		t.r.run(after, t.r.expand(c, s))
		cancel()
	}
	if err != nil {
		return nil, err
	}
	return t.r.output.Parse(out, len(s.paths))
}

// run runs one command and returns what it printed, bounded in time and size. Processes that it
// leaves behind with its output open are ended, and so are all that it started when the time is up.
func (r *Recipe) run(ctx context.Context, args []string) ([]byte, error) {
	var out, msg bytes.Buffer
	c := command.Command{Args: args, Timeout: time.Duration(r.spec.TimeoutS * float64(time.Second)),
		Stdout: &out, Stderr: &msg, MaxOutput: maxOutput}
	err := c.Run(ctx)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w%s", err, output.Tail(msg.Bytes(), out.Bytes()))
	}
	return out.Bytes(), err
}
