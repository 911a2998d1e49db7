package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"nas/accuracy"
	"nas/blocks/engine"
	"nas/internal/atomicfile"
	"nas/internal/buildinfo"
	"nas/internal/runstore"
	"nas/search"
)

// record creates the run directory, or checks that the one to be resumed was
// made in the same way.
func (p *pipeline) record(context.Context) error {
	searcher, err := p.searcher()
	if err != nil {
		return err
	}
	m := runstore.Manifest{
		Version: buildinfo.Version(), Name: p.cfg.Name, Seed: p.cfg.Seed,
		NumericClass: numericClass(), Device: p.eval.devices[0].profile.Device.String(), ScaleID: p.eval.accuracy.Info().ScaleID,
		Algorithm: searcher.String(), Objectives: p.objectives, Reference: p.worst,
		Limits: p.eval.limits.stored(), Notes: p.notes(),
		Status: search.StatusRunning.String(), Started: p.started.UTC(), Updated: time.Now().UTC(),
	}
	if p.resumed {
		then := p.store.Manifest()
		if err := then.Same(&m); err != nil {
			return &UsageError{err}
		}
		m.Started, m.WallS = then.Started, then.WallS
		return nil
	}
	text, err := p.cfg.Encode()
	if err != nil {
		return err
	}
	var first []byte
	for i, d := range p.eval.devices {
		var b bytes.Buffer
		if err := d.profile.Write(&b); err != nil {
			return err
		}
		data := b.Bytes()
		if i == 0 {
			first = data
			continue
		}
		if err := os.MkdirAll(p.cfg.Output.Dir, 0o755); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(filepath.Join(p.cfg.Output.Dir, profileFile(d.name, i)), data); err != nil {
			return err
		}
	}
	if s, ok := p.eval.accuracy.(interface{ Scale() *accuracy.Scale }); ok {
		data, err := json.Marshal(s.Scale())
		if err != nil {
			return err
		}
		if err := os.MkdirAll(p.cfg.Output.Dir, 0o755); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(filepath.Join(p.cfg.Output.Dir, ScaleFile), data); err != nil {
			return err
		}
	}
	p.store, err = runstore.Create(p.cfg.Output.Dir, m, text, first)
	return err
}

// notes are what plots say in words.
func (p *pipeline) notes() map[string]string {
	info := p.eval.accuracy.Info()
	blind := make([]string, len(info.Blind))
	for i, t := range info.Blind {
		blind[i] = string(t)
	}
	notes := map[string]string{
		"accuracy": p.eval.accuracy.String(), "score": info.Label, "blind": strings.Join(blind, ", "), "space": p.space.ID(),
	}
	for _, d := range p.eval.devices {
		if d.name != "" {
			notes["device@"+d.name] = d.profile.Device.String()
		}
	}
	return notes
}

// finish writes how the run ended.
func (p *pipeline) finish(context.Context) error {
	m := p.store.Manifest()
	m.Status, m.Trials = p.summary.Status.String(), p.summary.Trials
	m.Reason = "" // of a run that was resumed
	if p.summary.Front.Len() == 0 {
		m.Reason = p.eval.limits.noFront(p.summary)
	}
	m.Updated = time.Now().UTC()
	m.WallS += time.Since(p.started).Seconds()
	return p.store.SetManifest(m)
}

// numericClass names what the bytes of a run depend on besides its config and
// profile.
func numericClass() string {
	return fmt.Sprintf("%s %s %s", buildinfo.Version(), runtime.GOARCH, engine.Host(1).ISA)
}
