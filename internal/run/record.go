package run

import (
	"bytes"
	"encoding/json"
	"time"

	"nas/internal/atomicfile"
	"nas/internal/buildinfo"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/runstore"
	"nas/search"
)

// manifest says what a run is made with.
func manifest(s *evaluator.Setup, started time.Time) (runstore.Manifest, error) {
	searcher, err := newSearcher(s)
	if err != nil {
		return runstore.Manifest{}, err
	}
	info := s.Accuracy.Info()
	m := runstore.Manifest{
		Version: buildinfo.Version(), Name: s.Config.Name, Seed: s.Config.Seed,
		NumericClass: evaluator.NumericClass(), Device: s.Devices[0].Profile.Device.String(), ScaleID: info.ScaleID,
		Algorithm: searcher.String(), Objectives: s.Objectives, Reference: s.Worst, Limits: s.Limits, SpaceID: s.Space.ID(),
		Score:  runstore.Score{Spec: s.Accuracy.String(), Label: info.Label, Unit: info.Unit, Blind: s.Blind},
		Status: search.StatusRunning.String(), Started: started.UTC(), Updated: time.Now().UTC(),
	}
	for _, d := range s.Devices {
		if d.Name != "" {
			if m.Devices == nil {
				m.Devices = map[string]string{}
			}
			m.Devices[d.Name] = d.Profile.Device.String()
		}
	}
	return m, nil
}

// checkManifest refuses to resume a run that was made in another way.
func checkManifest(store *runstore.Run, s *evaluator.Setup, started time.Time) error {
	now, err := manifest(s, started)
	if err != nil {
		return err
	}
	then := store.Manifest()
	if err := then.Same(&now); err != nil {
		return config.Usage(err)
	}
	return nil
}

// begin writes what a new run is made with.
func begin(store *runstore.Run, s *evaluator.Setup, started time.Time) error {
	m, err := manifest(s, started)
	if err != nil {
		return err
	}
	text, err := s.Config.Encode()
	if err != nil {
		return err
	}
	profiles := make([][]byte, len(s.Devices))
	for i, d := range s.Devices {
		var b bytes.Buffer
		if err := d.Profile.Write(&b); err != nil {
			return err
		}
		if profiles[i] = b.Bytes(); i == 0 {
			continue // written last, with the manifest
		}
		if err := atomicfile.WriteFile(store.Path(runstore.ProfileName(d.Name, i)), profiles[i]); err != nil {
			return err
		}
	}
	if scale := s.Scale(); scale != nil {
		data, err := json.Marshal(scale)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteFile(store.Path(runstore.ScaleFile), data); err != nil {
			return err
		}
	}
	return store.Begin(m, text, profiles[0])
}

// recordEnd completes the manifest with how the run ended.
// ended says it in words, and noFront why the run has no front; "" if it has one.
func recordEnd(store *runstore.Run, summary *search.Summary, ended, noFront string, started time.Time) error {
	m := store.Manifest()
	m.Status, m.Ended, m.Trials, m.Reason = summary.Status.String(), ended, summary.Trials, noFront
	m.Updated = time.Now().UTC()
	m.WallS += time.Since(started).Seconds()
	return store.SetManifest(m)
}
