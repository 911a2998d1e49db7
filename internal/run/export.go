package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"

	"nas/blocks"
	"nas/internal/atomicfile"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/netfile"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/runstore"
)

// export writes the named picks of the front. Where the format holds weights, they are those that training left, or
// else freshly drawn: the networks are untrained then. It returns the files. A cancelled context ends it before the
// next file: drawing the weights of a large network takes seconds.
func export(ctx context.Context, s *evaluator.Setup, run string, front []Member) (files []string, err error) {
	points := make([][2]float64, len(front))
	for i, m := range front {
		points[i] = [2]float64{m.Latency.Mid, m.Accuracy.Mid}
	}
	dir := filepath.Join(run, "export")
	picks := results.NamedPicks(points, s.AccuracyAxis())
	if len(s.Objectives) == 1 {
		picks = picks[:min(1, len(picks))] // all of one network
		for i := range picks {
			picks[i].Name = "best"
		}
	}
	var form netfile.Form
	if s.Config.Constraints.Runtime == config.TFLM {
		form.Integers = &netfile.Integers{Seed: s.Config.Seed} // with integers at the edges
	}
	for _, k := range picks {
		m := &front[k.Member]
		n, err := m.Network(s)
		if err != nil {
			return nil, err
		}
		counts := n.Counts()
		n.Meta["seed"] = strconv.FormatUint(s.Config.Seed, 10)
		n.Meta["macs"], n.Meta["params"] = strconv.FormatInt(counts.MACs, 10), strconv.FormatInt(counts.Params, 10)
		n.Meta["score"], n.Meta["score_is"] = fmt.Sprintf("%.5g", m.Accuracy.Mid), s.Accuracy.Info().Label
		from := &resolve.Network{Network: n, WeightsFile: runstore.WeightsOf(run, m.ArchID)}
		weights := func() (*blocks.Weights, error) {
			// What normalises a batch takes more than the whole run: what is free is given back before it and after.
			debug.FreeOSMemory()
			defer debug.FreeOSMemory()
			return from.WeightsFor(s.Config.Seed)
		}
		for _, format := range s.Config.Output.Export {
			if ctx.Err() != nil {
				return files, nil
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return nil, err
			}
			path := filepath.Join(dir, k.Name+"."+netfile.Ending(format))
			written, err := netfile.Files(format, path, n, weights, form)
			if err != nil {
				return nil, err
			}
			for _, f := range written {
				if err := atomicfile.WriteFile(f.Path, f.Data); err != nil {
					return nil, err
				}
				files = append(files, f.Path)
			}
		}
	}
	return files, nil
}
