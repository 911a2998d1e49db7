package runstore

import "strings"

// A WarningKind says which estimate a warning is about.
type WarningKind string

// The kinds. A trial holds a warning as its kind, a colon and its text.
const (
	LatencyWarning  WarningKind = "latency"
	AccuracyWarning WarningKind = "accuracy"
)

// Text returns a warning of this kind as a trial holds it.
func (k WarningKind) Text(text string) string { return string(k) + ": " + text }

// Warnings returns the texts of the warnings of this kind among those of a trial.
func (k WarningKind) Warnings(of []string) (texts []string) {
	for _, w := range of {
		if text, ok := strings.CutPrefix(w, string(k)+": "); ok {
			texts = append(texts, text)
		}
	}
	return texts
}
