package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/internal/fault"
	"nas/internal/netfile"
	"nas/internal/stat"
)

// A ready is a peer with the head of its command.
type ready struct {
	*peer
	command []string
}

// compare times all networks and writes the table.
func (s *settings) compare(to io.Writer) error {
	dir, err := os.MkdirTemp("", "nas-peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if s.tools, err = filepath.Abs(s.tools); err != nil {
		return err
	}
	var peers []ready
	for _, p := range []*peer{onnxRuntime, tensorFlowLite} {
		err := s.install(p)
		var command []string
		if err == nil {
			command, err = p.prepare(s, dir)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "peers: SKIPPED %s: %v\n", p.name, err)
			continue
		}
		peers = append(peers, ready{p, command})
	}
	if len(peers) == 0 {
		fmt.Fprintln(os.Stderr, "peers: SKIPPED: no runtime to compare with")
		return nil
	}
	t := engine.Host(1)
	fmt.Fprintf(to, "%s, %s. %d rounds of %d runs.\n\n", cpuName(), t, s.rounds, s.runs)
	fmt.Fprintln(to, "| network | threads | peer | nas ms | peer ms | nas / peer | range of rounds | % of FMA peak | "+
		"largest difference |")
	fmt.Fprintln(to, "|---|---|---|---|---|---|---|---|---|")
	for _, name := range s.networks {
		n, err := zoo.Get(name)
		if err != nil {
			return err
		}
		for _, p := range peers {
			if err := s.network(to, dir, n, p); err != nil {
				return fmt.Errorf("%s on %s: %w", name, p.name, err)
			}
		}
	}
	return nil
}

// network times one network beside a peer, with each number of threads.
func (s *settings) network(to io.Writer, dir string, n *blocks.Network, p ready) error {
	weights := func() (*blocks.Weights, error) { return blocks.NewWeights(n, 1), nil }
	model := filepath.Join(dir, "model."+p.format)
	data, err := netfile.Encode(p.format, n, weights, netfile.Form{})
	if err != nil {
		return err
	}
	if err := os.WriteFile(model, data, 0o600); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	in := make([]float32, n.Input().Elems())
	for i := range in {
		in[i] = float32(r.NormFloat64())
	}
	theirs := in
	if p.nchw {
		theirs = channelsFirst(in, n.Input())
	}
	inputs := [2]string{filepath.Join(dir, "nas.in"), filepath.Join(dir, "peer.in")}
	for i, v := range [][]float32{in, theirs} {
		if err := os.WriteFile(inputs[i], floatBytes(v), 0o600); err != nil {
			return err
		}
	}
	ours := engineOn(p.peer)
	command, err := ours.prepare(s, dir)
	if err != nil {
		return err
	}
	for _, threads := range s.threads {
		a, err := ours.start(command, model, inputs[0], threads)
		if err != nil {
			return err
		}
		b, err := p.start(p.command, model, inputs[1], threads)
		if err != nil {
			a.stop()
			return err
		}
		x, err := s.rounded(a, b)
		far := 0.0
		if err == nil {
			far, err = difference(dir, a, b)
		}
		a.stop()
		b.stop()
		if err != nil {
			return err
		}
		low, high := interval(x.ratios)
		share := 100 * 2 * float64(n.Counts().MACs) / 1e6 / stat.Median(x.ours) / (x.peak * float64(threads))
		fmt.Fprintf(to, "| %s | %d | %s | %.3f | %.3f | %.2f | %.2f to %.2f | %.0f | %.1e |\n", n.Name, threads, p.name,
			stat.Median(x.ours), stat.Median(x.theirs), stat.Median(x.ratios), low, high, share, far)
	}
	return nil
}

// rounds are the medians of the turns.
type rounds struct {
	ours, theirs, ratios []float64 // milliseconds; ours over theirs
	peak                 float64   // GFLOP/s of one core
}

// rounded lets two servers take turns.
func (s *settings) rounded(a, b *server) (x rounds, err error) {
	runs := [2]int{s.runs, s.runs}
	for i, v := range []*server{a, b} {
		ms, err := v.numbers("run 3")
		if err != nil {
			return x, err
		}
		runs[i] = min(s.runs, max(5, int(s.turnMs/slices.Min(ms))))
	}
	for range s.rounds {
		var medians [2]float64
		for i, v := range []*server{a, b} {
			// The threads of the one before may look for work for a while.
			time.Sleep(30 * time.Millisecond)
			if _, err := v.numbers("run 3"); err != nil {
				return x, err
			}
			ms, err := v.numbers("run %d", runs[i])
			if err != nil {
				return x, err
			}
			medians[i] = stat.Median(ms)
		}
		x.ours, x.theirs = append(x.ours, medians[0]), append(x.theirs, medians[1])
		x.ratios = append(x.ratios, medians[0]/medians[1])
		peak, err := a.numbers("peak")
		if err != nil {
			return x, err
		}
		x.peak = max(x.peak, peak[0])
	}
	return x, nil
}

// interval holds the median of the sorted ratios with 90 % confidence where they are enough, else it is all of them.
func interval(ratios []float64) (low, high float64) {
	slices.Sort(ratios)
	k := max(0, stat.MedianRank(len(ratios), 0.9))
	return ratios[k], ratios[len(ratios)-1-k]
}

// difference is the largest between the outputs of two servers, relative to the largest value. Networks of images
// return one pixel, whose channels have the same order in both layouts.
func difference(dir string, a, b *server) (float64, error) {
	var out [2][]float32
	for i, v := range []*server{a, b} {
		path := filepath.Join(dir, "output")
		if _, err := v.ask("output %s", path); err != nil {
			return 0, err
		}
		var err error
		if out[i], err = readFloats(path); err != nil {
			return 0, err
		}
	}
	if len(out[0]) != len(out[1]) {
		return 0, fault.Errorf("peers: %d values from nas and %d from %s", len(out[0]), len(out[1]), b.name)
	}
	most, far := 0.0, 0.0
	for i, x := range out[0] {
		most = max(most, math.Abs(float64(x)))
		far = max(far, math.Abs(float64(x)-float64(out[1][i])))
	}
	if !(far <= 1e-3*most) {
		return 0, fault.Errorf("peers: the outputs of nas and %s differ by %g of %g", b.name, far, most)
	}
	return far / most, nil
}

func channelsFirst(in []float32, s blocks.Shape) []float32 {
	out := make([]float32, len(in))
	for p := range s.Pixels() {
		for c := range s.C {
			out[c*s.Pixels()+p] = in[p*s.C+c]
		}
	}
	return out
}

// cpuName is what the system calls its processor.
func cpuName() string {
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			}
		}
	}
	if b, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		return strings.TrimSpace(string(b))
	}
	return "unknown processor"
}
