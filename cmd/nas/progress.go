package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"nas/internal/work"
)

// meter shows on standard error how far a command has come: a bar on a terminal,
// a line now and then elsewhere, nothing with --quiet. A command that has shown nothing for
// a while is said to be at work. Apart from that it draws only from within its methods: while
// kernels are timed no goroutine of the screen's may run.
type meter struct {
	w        io.Writer // nil: quiet
	terminal bool
	now      func() time.Time

	mu      sync.Mutex // of all below, and of what the command writes
	screen  *mpb.Progress
	refresh chan any
	bar     *mpb.Bar
	text    atomic.Pointer[string]

	command   string // what is at work where no step is shown
	step      string
	total     int
	done      int
	began     time.Time // the step
	last      time.Time // progress was shown
	shown     time.Time // something was shown, by the command or the meter
	silent    time.Time // since when nothing but the pulse was shown
	transient int       // columns of a line that the next text replaces
	firstN    int       // done when the step began, by the run that is resumed
	timed     bool      // seconds are counted, so that a rate has no meaning
}

const (
	barEvery  = 100 * time.Millisecond
	barAfter  = 300 * time.Millisecond
	lineEvery = 1500 * time.Millisecond // before the pulse, which a line of progress makes needless
	pulseGap  = 2 * time.Second
)

// newMeter makes the meter of a command whose standard error is w.
func newMeter(w io.Writer, command string) *meter {
	m := &meter{now: time.Now, w: w, command: command}
	if screen := cupwriter.New(w, false); os.Getenv("TERM") != "dumb" && screen.IsTerminal() {
		width, _, err := screen.GetTermSize()
		m.terminal = err == nil && width > 0 // a bar has no place on a terminal of no columns
	}
	return m
}

// begin makes the meter of a command, and lets it watch what the command writes. The function
// that it returns ends its pulse.
func (a *app) begin(command string) (end func()) {
	if a.quiet {
		a.meter = new(meter)
		return func() {}
	}
	a.meter = newMeter(a.stderr, command)
	a.stdout, a.stderr = watched{a.stdout, a.meter}, watched{a.stderr, a.meter}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		a.meter.pulse(ctx)
		close(done)
	}()
	return func() {
		cancel()
		<-done
		a.meter.end()
	}
}

// pulse shows every while that a silent command is at work, until ctx ends.
func (m *meter) pulse(ctx context.Context) {
	m.touch()
	wait := pulseGap
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait = m.beat()
		}
	}
}

// touch notes that something was shown.
func (m *meter) touch() {
	m.shown = m.now()
	m.silent = m.shown
}

// beat says that the command is at work, if it has been silent for long enough, and returns
// after what time it is to be asked again.
func (m *meter) beat() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if quiet := now.Sub(m.shown); quiet < pulseGap {
		return pulseGap - quiet
	}
	m.shown = now
	if m.bar != nil {
		m.draw(now, m.eta(m.done, now)+"at work")
		return pulseGap
	}
	what := m.command
	if m.step != "" {
		what = fmt.Sprintf("%s %d", m.step, m.done)
		if m.total > 0 {
			what += fmt.Sprintf("/%d", m.total)
		}
	}
	text := fmt.Sprintf("%s: at work for %.0f s", what, now.Sub(m.silent).Seconds())
	if m.terminal {
		fmt.Fprint(m.w, "\r"+text)
		m.transient = len(text)
	} else {
		fmt.Fprintln(m.w, text)
	}
	return pulseGap
}

// clear removes the transient line.
func (m *meter) clear() {
	if m.transient > 0 {
		fmt.Fprintf(m.w, "\r%*s\r", m.transient, "")
		m.transient = 0
	}
}

// watched is an output of a command, which the meter keeps clear of its own lines.
type watched struct {
	io.Writer
	m *meter
}

func (w watched) Write(p []byte) (int, error) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	w.m.clear()
	w.m.touch()
	return w.Writer.Write(p)
}

// say shows a line of text, above the bar if there is one. A step that is not at its end goes on.
func (m *meter) say(text string) {
	if m.w == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closeBar()
	if m.done >= m.total {
		m.step = ""
	}
	m.touch()
	fmt.Fprintln(m.w, printable(text))
}

// show says that done of total are done of a step; total 0 is unknown. detail
// stands behind.
func (m *meter) show(step string, done, total int, detail string) {
	if m.w == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if step != m.step || total != m.total {
		m.close()
		m.step, m.total, m.began, m.last, m.firstN = step, total, now, now, done
	}
	m.done = done
	finished := total > 0 && done >= total
	every := lineEvery
	switch {
	case m.bar != nil:
		every = barEvery
	case m.terminal:
		every = barAfter
	}
	if now.Sub(m.last) < every && (!finished || m.last.Equal(m.began) && now.Sub(m.began) < time.Second) {
		return // a step of a moment is not worth a line
	}
	if m.terminal && m.bar == nil {
		m.open()
	}
	m.last = now
	text := m.eta(done, now) + detail
	m.touch()
	switch {
	case m.terminal:
		m.draw(now, text)
	case total > 0:
		fmt.Fprintf(m.w, "%s %d/%d%s  %s\n", step, done, total, m.unit(), text)
	default:
		fmt.Fprintf(m.w, "%s %d  %s\n", step, done, text)
	}
}

// draw draws the bar with a text behind it.
func (m *meter) draw(now time.Time, text string) {
	m.text.Store(&text)
	m.bar.SetCurrent(int64(m.done))
	m.refresh <- now
}

// progress shows a step of a run.
func (m *meter) progress(p work.Progress) {
	if p.Ended {
		m.end()
		return
	}
	m.timed = p.Seconds
	if p.Seconds && p.Total > 0 {
		p.Done = min(p.Done, p.Total) // it may take a little longer than its budget
	}
	m.show(p.Step, p.Done, p.Total, searchDetail(&p))
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
	if rate < 0.5 {
		text = fmt.Sprintf("%.1f/min  ", rate*60)
	}
	if m.timed {
		text = ""
	}
	if m.total > done {
		text += fmt.Sprintf("ETA %s  ", clock(float64(m.total-done)/rate))
	}
	return text
}

// unit stands behind the count of a step.
func (m *meter) unit() string {
	if m.timed {
		return " s"
	}
	return ""
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
	counters := "%d/%d" + m.unit() + " "
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
	if m.w == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.close()
}

func (m *meter) close() {
	m.closeBar()
	m.step = ""
}

func (m *meter) closeBar() {
	m.clear()
	if m.bar != nil {
		if !m.bar.Completed() {
			m.bar.Abort(false)
		}
		m.screen.Wait()
		m.bar, m.screen, m.refresh = nil, nil, nil
	}
}
