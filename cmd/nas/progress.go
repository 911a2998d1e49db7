package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"nas/internal/evaluator"
)

// meter shows on standard error how far a command has come: a bar on a terminal,
// a line now and then elsewhere, nothing with --quiet. It draws only from within
// its methods: while kernels are timed no goroutine of the screen's may run.
type meter struct {
	w        io.Writer // nil: quiet
	terminal bool
	now      func() time.Time

	screen  *mpb.Progress
	refresh chan any
	bar     *mpb.Bar
	text    atomic.Pointer[string]

	step   string
	total  int
	began  time.Time // the step
	last   time.Time // something was shown
	firstN int       // done when the step began, by the run that is resumed
	timed  bool      // seconds are counted, so that a rate has no meaning
}

const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

func (a *app) newMeter() *meter {
	m := &meter{now: time.Now}
	if !a.quiet {
		m.w = a.stderr
		m.terminal = cupwriter.New(a.stderr, false).IsTerminal()
	}
	return m
}

// say shows a line of text, above the bar if there is one.
func (m *meter) say(text string) {
	if m.w == nil {
		return
	}
	m.end()
	fmt.Fprintln(m.w, text)
}

// show says that done of total are done of a step; total 0 is unknown. detail
// stands behind.
func (m *meter) show(step string, done, total int, detail string) {
	if m.w == nil {
		return
	}
	now := m.now()
	if step != m.step || total != m.total {
		m.end()
		m.step, m.total, m.began, m.last, m.firstN = step, total, now, time.Time{}, done
		if m.terminal {
			m.open()
		} else {
			m.last = now // the first line comes after a while, or at the end
		}
	}
	finished := total > 0 && done >= total
	every := lineEvery
	if m.terminal {
		every = barEvery
	}
	if !finished && now.Sub(m.last) < every {
		return
	}
	m.last = now
	text := m.eta(done, now)
	if detail != "" {
		text += detail
	}
	if m.terminal {
		m.text.Store(&text)
		m.bar.SetCurrent(int64(done))
		m.refresh <- now
		return
	}
	if total > 0 {
		fmt.Fprintf(m.w, "%s %d/%d  %s\n", step, done, total, text)
	} else {
		fmt.Fprintf(m.w, "%s %d  %s\n", step, done, text)
	}
}

// progress shows a step of a run.
func (m *meter) progress(p evaluator.Progress) {
	m.timed = p.Seconds
	m.show(p.Step, p.Done, p.Total, searchDetail(p.Search))
}

// eta is the rate so far and the time that the rest takes at this rate.
func (m *meter) eta(done int, now time.Time) string {
	elapsed := now.Sub(m.began).Seconds()
	fresh := done - m.firstN
	if fresh <= 0 || elapsed <= 0 {
		return ""
	}
	rate := float64(fresh) / elapsed
	text := fmt.Sprintf("%.*f/s  ", boolInt(rate < 10), rate)
	if m.timed {
		text = "s  "
	}
	if m.total > done {
		text += fmt.Sprintf("ETA %s  ", clock(float64(m.total-done)/rate))
	}
	return text
}

// clock formats seconds as 1:23 or 1:02:03.
func clock(seconds float64) string {
	s := int(seconds + 0.5)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func (m *meter) open() {
	m.refresh = make(chan any)
	m.screen = mpb.New(mpb.WithOutput(m.w), mpb.WithManualRefresh(m.refresh))
	empty := ""
	m.text.Store(&empty)
	var style mpb.BarFillerBuilder = mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]")
	counters := "%d/%d "
	if m.total == 0 { // nobody knows how far it is
		style, counters = mpb.NopStyle(), "%d%.0d "
	}
	m.bar = m.screen.New(int64(m.total), style, mpb.BarWidth(28),
		mpb.PrependDecorators(decor.Name(m.step+" "), decor.CountersNoUnit(counters)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + *m.text.Load() })),
	)
}

// end ends the line that was shown, so that the next text begins below it.
func (m *meter) end() {
	if m.bar != nil {
		if !m.bar.Completed() {
			m.bar.Abort(false)
		}
		m.screen.Wait()
		m.bar, m.screen, m.refresh = nil, nil, nil
	}
	m.step = ""
}
