package runstore

import (
	"slices"
	"strings"
)

// Score says what the accuracy of a run's trials is.
type Score struct {
	// Spec names the estimator with all settings that its values depend on: equal specs and equal scale ids mean
	// comparable values.
	Spec  string `json:"spec"`
	Label string `json:"label"`          // for the axis of a plot
	Unit  string `json:"unit,omitempty"` // UnitPercent, or "" for a score without a unit
	// Blind are the traits of a network that the score does not depend on, such as "kernel size", or the keys of
	// genes, such as "kernel".
	Blind []string `json:"blind,omitempty"`
}

// UnitPercent is the [Score.Unit] of an estimate of accuracy in per cent of test images.
const UnitPercent = "pct"

// Percent reports whether the score is an accuracy in per cent.
func (s *Score) Percent() bool { return s.Unit == UnitPercent }

// BlindTo reports whether the score does not depend on the genes of a key, such as "kernel".
func (s *Score) BlindTo(gene string) bool {
	return slices.ContainsFunc(s.Blind, func(trait string) bool { return GeneOf(trait) == gene })
}

// GeneOf is the key of the genes that decide a trait of a network.
func GeneOf(trait string) string {
	if trait == "kernel size" {
		return "kernel"
	}
	return strings.ToLower(trait)
}

// The notes of a manifest say in words what its score, its devices and its space are. They are all that version 0.1
// wrote of these.
const (
	noteSpec, noteLabel, noteBlind, noteSpace = "accuracy", "score", "blind", "space"
	noteDevice                                = "device@" // and the name of the profile
)

// notes says in words what the manifest says in fields.
func (m *Manifest) notes() map[string]string {
	if m.Score.Spec == "" {
		return nil
	}
	notes := map[string]string{
		noteSpec: m.Score.Spec, noteLabel: m.Score.Label, noteBlind: strings.Join(m.Score.Blind, ", "), noteSpace: m.SpaceID,
	}
	for name, device := range m.Devices {
		notes[noteDevice+name] = device
	}
	return notes
}

// fromNotes fills in the fields of a manifest that has notes only.
func (m *Manifest) fromNotes(notes map[string]string) {
	if m.Score.Spec != "" || notes == nil {
		return
	}
	m.Score = Score{Spec: notes[noteSpec], Label: notes[noteLabel]}
	if strings.Contains(m.Score.Label, "(%)") {
		m.Score.Unit = UnitPercent
	}
	if blind := notes[noteBlind]; blind != "" {
		m.Score.Blind = strings.Split(blind, ", ")
	}
	m.SpaceID = notes[noteSpace]
	for key, device := range notes {
		if name, ok := strings.CutPrefix(key, noteDevice); ok {
			if m.Devices == nil {
				m.Devices = map[string]string{}
			}
			m.Devices[name] = device
		}
	}
}
