package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"nas/internal/work"
)

func TestMeterOffATerminal(t *testing.T) {
	var out bytes.Buffer
	m := newMeter(&out, "nas run")
	if m.terminal {
		t.Fatal("a buffer is taken for a terminal")
	}
	now := time.Unix(0, 0)
	m.now = func() time.Time { return now }
	m.say("searching")
	for i := 0; i <= 600; i += 100 {
		m.show("search", i, 600, "front 7")
		now = now.Add(time.Second)
	}
	m.show("measure", 0, 2, "")
	now = now.Add(time.Second)
	m.show("measure", 2, 2, "")
	m.end()
	want := "searching\n" +
		"search 200/600  100/s  ETA 0:04  front 7\n" +
		"search 400/600  100/s  ETA 0:02  front 7\n" +
		"search 600/600  100/s  front 7\n" +
		"measure 2/2  2.0/s  \n"
	if out.String() != want {
		t.Errorf("shown:\n%q\nwant:\n%q", out.String(), want)
	}
}

func TestQuietMeterShowsNothing(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out, quiet: true}
	defer a.begin("nas run")()
	m := a.meter
	m.say("searching")
	m.show("search", 1, 1, "")
	m.end()
	if out.Len() > 0 {
		t.Errorf("shown: %q", out.String())
	}
}

func TestClock(t *testing.T) {
	for s, want := range map[float64]string{0: "0:00", 59.6: "1:00", 75: "1:15", 3600: "1:00:00", 3725: "1:02:05"} {
		if got := clock(s); got != want {
			t.Errorf("clock(%v) = %s, want %s", s, got, want)
		}
	}
}

// A command that shows nothing is said to be at work, with the step that it is in.
func TestMeterOfASilentCommand(t *testing.T) {
	var out bytes.Buffer
	m := newMeter(&out, "nas tell")
	now := time.Unix(0, 0)
	m.now = func() time.Time { return now }
	stdout := watched{&out, m}
	m.touch()
	wait := func(seconds int) {
		now = now.Add(time.Duration(seconds) * time.Second)
		if left := m.beat(); left <= 0 || left > pulseGap {
			t.Errorf("after %d s, beat wants to be called in %v", seconds, left)
		}
	}
	wait(2) // no silence yet
	wait(1)
	wait(3)
	if _, err := stdout.Write([]byte("a table\n")); err != nil {
		t.Fatal(err)
	}
	wait(1)
	m.show("score", 1, 9, "")
	wait(3)
	m.terminal = true // without a bar: the line is replaced
	wait(3)
	m.end()
	want := "nas tell: at work for 2 s\n" + "nas tell: at work for 6 s\n" + "a table\n" +
		"score 1/9: at work for 4 s\n" + "\rscore 1/9: at work for 7 s\r                          \r"
	if out.String() != want {
		t.Errorf("shown:\n%q\nwant:\n%q", out.String(), want)
	}
}

// A text within a step does not end it: what is at work is still said, and the rate is that of the whole step.
func TestMeterOfAStepThatTalks(t *testing.T) {
	var out bytes.Buffer
	m := newMeter(&out, "nas run")
	now := time.Unix(0, 0)
	m.now = func() time.Time { return now }
	m.touch()
	m.progress(work.Progress{Step: "search", Total: 80})
	for i := range 3 {
		now = now.Add(10 * time.Second)
		m.say("a network was trained")
		now = now.Add(3 * time.Second)
		m.beat()
		m.progress(work.Progress{Step: "search", Total: 80, Done: i})
	}
	m.progress(work.Progress{Step: "search", Ended: true})
	now = now.Add(3 * time.Second)
	m.beat()
	want := "a network was trained\nsearch 0/80: at work for 3 s\nsearch 0/80  \n" +
		"a network was trained\nsearch 0/80: at work for 3 s\nsearch 1/80  2.3/min  ETA 34:14  \n" +
		"a network was trained\nsearch 1/80: at work for 3 s\nsearch 2/80  3.1/min  ETA 25:21  \n" +
		"nas run: at work for 3 s\n"
	if out.String() != want {
		t.Errorf("shown:\n%s\nwant:\n%s", out.String(), want)
	}
}

// A step that reports at any pace faster than the pulse is shown by its own lines alone.
func TestMeterOfAStepThatReports(t *testing.T) {
	for _, every := range []time.Duration{50 * time.Millisecond, 250 * time.Millisecond, 400 * time.Millisecond} {
		var out bytes.Buffer
		m := newMeter(&out, "nas run")
		now := time.Unix(0, 0)
		m.now = func() time.Time { return now }
		m.touch()
		for i := range int(20 * time.Second / every) {
			m.show("score", i, 1000, "")
			for range 5 {
				now = now.Add(every / 5)
				m.beat()
			}
		}
		m.end()
		if n := strings.Count(out.String(), "\n"); strings.Contains(out.String(), "at work") || n < 5 || n > 14 {
			t.Errorf("a report every %v shows\n%s", every, out.String())
		}
	}
}
