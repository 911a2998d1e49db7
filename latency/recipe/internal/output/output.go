// Package output finds the times in what programs that time models print.
package output

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"nas/internal/plural"
	"nas/latency/timing"
)

// Pattern finds the times. What it holds is [nas/latency/recipe.Spec.Pattern].
type Pattern struct {
	expression *regexp.Regexp
	scale      float64 // ms in a unit of time
}

var timeUnits = map[string]float64{"s": 1e3, "ms": 1, "us": 1e-3, "ns": 1e-6}

// New makes a pattern of a regular expression and a unit of time, and calls bad for what is wrong with them.
func New(expression, unit string, bad func(key, format string, a ...any)) *Pattern {
	p := new(Pattern)
	var err error
	if p.expression, err = regexp.Compile(expression); err != nil {
		bad("pattern", "%q is no regular expression: %s", expression,
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	} else if p.expression.NumSubexp() == 0 {
		bad("pattern", "%q has no group that holds the time", expression)
	}
	var ok bool
	if p.scale, ok = timeUnits[unit]; !ok {
		bad("unit", "%q, want s, ms, us or ns", unit)
	}
	return p
}

// Parse finds the times of n models in a command's output.
func (p *Pattern) Parse(out []byte, n int) ([]timing.Sample, error) {
	found := p.expression.FindAllSubmatchIndex(out, -1)
	if len(found) != n {
		return nil, fmt.Errorf("the pattern %q matches %d times in the output of %s%s",
			p.expression, len(found), plural.Of(n, "model"), Tail(out))
	}
	ss, end := make([]timing.Sample, n), 0
	for i, at := range found {
		m := match{p.expression, out, at}
		s := timing.Sample{Runs: 1}
		if !p.read(&s, m) {
			return nil, fmt.Errorf("the pattern's time in %q is no positive number below %g s",
				out[at[0]:min(at[1], at[0]+100)], maxMs/1000.)
		}
		if p.expression.SubexpIndex("mean") >= 0 {
			s.Warnings = append(s.Warnings, "the time is a mean: the program tells no median")
		}
		p.readTFLite(&s, out[end:at[1]], at[0]-end)
		s.LowMs, s.HighMs = s.MedianMs, s.MedianMs
		ss[i], end = s, at[1]
	}
	return ss, nil
}

// match is a match of a pattern in a text, with the places of its groups.
type match struct {
	pattern *regexp.Regexp
	text    []byte
	at      []int
}

// number is that of a group; false if the group has none.
func (m *match) number(group string) (float64, bool) {
	i := m.pattern.SubexpIndex(group)
	if i < 0 && group == "time" {
		if i = m.pattern.SubexpIndex("mean"); i < 0 {
			i = 1
		}
	}
	if i < 0 || m.at[2*i] < 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(m.text[m.at[2*i]:m.at[2*i+1]]), 64)
	return v, err == nil && v >= 0
}

// read sets s to what the groups of a match say. It reports false, and changes nothing, if their time is none.
func (p *Pattern) read(s *timing.Sample, m match) bool {
	ms := func(group string) float64 {
		v, ok := m.number(group)
		if v *= p.scale; !ok || !(v < maxMs) {
			return 0
		}
		return v
	}
	if t := ms("time"); t > 0 {
		s.MedianMs = t
	} else {
		return false
	}
	s.P5Ms, s.P10Ms, s.P90Ms, s.P95Ms = ms("p5"), ms("p10"), ms("p90"), ms("p95")
	for _, v := range []*float64{&s.P5Ms, &s.P10Ms} { // a mean may lie outside of them: better none
		if *v > s.MedianMs {
			*v = 0
		}
	}
	for _, v := range []*float64{&s.P90Ms, &s.P95Ms} {
		if *v < s.MedianMs {
			*v = 0
		}
	}
	if k, ok := m.number("runs"); ok {
		s.Runs = int(min(k, 1e9))
	}
	return true
}

// What benchmark_model of TensorFlow Lite prints: statistics of the warm-up, those of the runs, and a summary, which
// recipes match. The time in the summary is a mean. Statistics of old versions, and those of one run, have no median.
var (
	tfliteSummary    = []byte("Inference (avg)")
	tfliteStatistics = regexp.MustCompile(
		`\bcount=(?P<runs>\d+)\b(?:[^\n]* p5=(?P<p5>\S+) median=(?P<time>\S+) p95=(?P<p95>\S+))?`)
)

// readTFLite replaces the mean in s by the statistics before it, if the text from summary on is the
// summary of benchmark_model.
func (p *Pattern) readTFLite(s *timing.Sample, text []byte, summary int) {
	if !bytes.Contains(text[summary:], tfliteSummary) {
		return
	}
	all := tfliteStatistics.FindAllSubmatchIndex(text, -1)
	if len(all) == 0 {
		return
	}
	last := match{tfliteStatistics, text, all[len(all)-1]}
	if !p.read(s, last) {
		k, _ := last.number("runs")
		s.Runs = int(min(k, 1e9))
		if s.Runs > 1 {
			s.Warnings = append(s.Warnings, "the time is a mean: this version of benchmark_model tells no median")
		}
	}
}

// maxMs is longer than any network takes for one run: an hour.
const maxMs = 3600 * 1000

// Tail quotes the end of the first text that is not empty.
func Tail(texts ...[]byte) string {
	for _, b := range texts {
		if b = bytes.TrimSpace(b); len(b) > 0 {
			return fmt.Sprintf(": %q", b[max(0, len(b)-300):])
		}
	}
	return ""
}
