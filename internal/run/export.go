package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/atomicfile"
	"nas/internal/netfile"
	"nas/search"
	"nas/space"
)

// picks names the members of the front that are exported: the fastest, the knee
// and the most accurate. On a small front they may be the same.
func (p *pipeline) picks() []pick {
	points := make([][2]float64, len(p.front))
	for i, m := range p.front {
		points[i] = [2]float64{m.Latency, m.Accuracy}
	}
	return picksOf(points)
}

// picksOf chooses among latencies and accuracies.
func picksOf(front [][2]float64) []pick {
	if len(front) == 0 {
		return nil
	}
	fastest, best := 0, 0
	points := make([][]float64, len(front))
	for i, m := range front {
		points[i] = []float64{m[0], -m[1]}
		if m[0] < front[fastest][0] {
			fastest = i
		}
		if m[1] > front[best][1] {
			best = i
		}
	}
	return []pick{{"fastest", fastest}, {"knee", search.Knee(points)}, {"most_accurate", best}}
}

type pick struct {
	name   string
	member int // index into the front
}

// network lowers a member and tells its files where it comes from.
func (p *pipeline) network(m Member) (*blocks.Network, error) {
	a, err := space.Parse(m.Arch)
	if err != nil {
		return nil, err
	}
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	c := n.Counts()
	n.Name = fmt.Sprintf("%s_%d", p.cfg.Name, m.ID)
	n.Meta = map[string]string{
		"arch": m.Arch, "arch_id": m.ArchID, "trial": strconv.Itoa(m.ID), "seed": strconv.FormatUint(p.cfg.Seed, 10),
		"macs": strconv.FormatInt(c.MACs, 10), "params": strconv.FormatInt(c.Params, 10),
		"predicted_latency_ms": fmt.Sprintf("%.4g (90 %%: %.4g to %.4g)", m.Latency, m.Low, m.High), "latency_device": p.eval.devices[0].profile.Device.String(),
		"score": fmt.Sprintf("%.5g", m.Accuracy), "score_is": p.eval.accuracy.Info().Label,
	}
	return n, nil
}

// export writes the picked networks, with freshly drawn weights where the format
// holds weights: the networks are untrained.
func (p *pipeline) export(context.Context) error {
	if p.summary.Status == search.StatusInterrupted {
		return nil
	}
	dir := filepath.Join(p.cfg.Output.Dir, "export")
	for _, k := range p.picks() {
		n, err := p.network(p.front[k.member])
		if err != nil {
			return err
		}
		for _, format := range p.cfg.Output.Export {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			path := filepath.Join(dir, k.name+"."+netfile.Ending(format))
			files, err := netfile.Files(format, path, n, func() (*blocks.Weights, error) { return Weights(n, p.cfg.Seed) })
			if err != nil {
				return err
			}
			for _, f := range files {
				if err := atomicfile.WriteFile(f.Path, f.Data); err != nil {
					return err
				}
				p.exported = append(p.exported, f.Path)
			}
		}
	}
	return nil
}

// Weights draws the weights of an untrained network from a seed: He fan-in, with
// the statistics of its batch normalisations set from one seeded batch so that
// activations keep unit scale.
func Weights(n *blocks.Network, seed uint64) (*blocks.Weights, error) {
	w := blocks.NewWeights(n, seed)
	return w, engine.CalibrateBN(n, w, seed)
}
