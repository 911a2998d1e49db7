package run

import (
	"context"

	"nas/internal/report"
	"nas/internal/runstore"
)

// writeFront writes front.csv.
func (p *pipeline) writeFront() error {
	d := p.eval.devices[0]
	rows := make([]runstore.FrontRow, len(p.front))
	for i := range p.front {
		m := &p.front[i]
		rows[i] = runstore.FrontRow{
			ID: m.ID, ArchID: m.ArchID, Arch: m.Arch, LatencyMs: m.Latency, LatencyLowMs: m.Low, LatencyHighMs: m.High,
			Accuracy: m.Accuracy, AccuracyLow: value(&m.Trial, keyAccuracy+"_low"), AccuracyHigh: value(&m.Trial, keyAccuracy+"_high"),
			Params: int64(value(&m.Trial, keyParams)), MACs: int64(value(&m.Trial, keyMACs)),
			PeakActivationBytes: int64(value(&m.Trial, keyActivations)), LatencyDevice: d.profile.Device.String(),
			Extra: []float64{m.OnFront},
		}
	}
	return runstore.WriteFront(p.cfg.Output.Dir, rows, chanceColumn)
}

// draw makes the pictures, from what is stored.
func (p *pipeline) draw(ctx context.Context) error {
	if len(p.front) == 0 {
		return nil
	}
	if _, err := p.references(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	s, err := Load(p.cfg.Output.Dir)
	if err != nil {
		return err
	}
	p.stored = s
	if len(p.objectives) > 1 {
		f, err := Figure(s)
		if err != nil {
			return err
		}
		for _, name := range []string{"front.svg", "front.png"} {
			if err := report.Save(p.store.Path(name), f); err != nil {
				return err
			}
		}
	}
	if err := report.Save(p.store.Path("hypervolume.svg"), Growth(s)); err != nil {
		return err
	}
	if len(s.Measured) > 0 {
		return report.Save(p.store.Path("measured.svg"), s.Agreement())
	}
	return nil
}
