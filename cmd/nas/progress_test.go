package main

import (
	"bytes"
	"testing"
	"time"
)

func TestMeterOffATerminal(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out}
	m := a.newMeter()
	if m.terminal {
		t.Fatal("a buffer is taken for a terminal")
	}
	now := time.Unix(0, 0)
	m.now = func() time.Time { return now }
	m.say("searching")
	for i := 0; i <= 600; i += 100 {
		m.show("search", i, 600, "front 7")
		now = now.Add(6 * time.Second)
	}
	m.show("measure", 0, 2, "")
	now = now.Add(time.Second)
	m.show("measure", 2, 2, "")
	m.end()
	want := "searching\n" +
		"search 200/600  17/s  ETA 0:24  front 7\n" +
		"search 400/600  17/s  ETA 0:12  front 7\n" +
		"search 600/600  17/s  front 7\n" +
		"measure 2/2  2.0/s  \n"
	if out.String() != want {
		t.Errorf("shown:\n%q\nwant:\n%q", out.String(), want)
	}
}

func TestQuietMeterShowsNothing(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out, quiet: true}
	m := a.newMeter()
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
