package html

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"nas/internal/report"
)

// TestPageInABrowser uses the page of 10,000 trials as a person would: it hovers,
// clicks, filters, compares and types.
func TestPageInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: starts a browser")
	}
	p := madeUpPage(10000)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, writePage(t, p), 0o644); err != nil {
		t.Fatal(err)
	}
	v := &visitor{browser: openBrowser(t), page: p, url: "file://" + path}
	v.size(1280, 900, false, false)
	v.open(v.url)
	t.Logf("ready after %s ms, a page of %s bytes",
		v.eval(`Math.round(performance.now())`), v.eval(`document.documentElement.outerHTML.length`))
	v.hoverAndClick()
	v.compareByMouse()
	v.compareByKeyboard()
	v.filter()
	v.onAPhone()
	for _, c := range v.complaints(v.url) {
		t.Error(c)
	}
	v.events = nil
	t.Run("long", func(t *testing.T) {
		v.t = t
		testLongPage(t, v.browser)
	})
	t.Run("live", func(t *testing.T) {
		v.t = t
		testLivePage(t, v.browser, p)
	})
}

// visitor is a browser at a page.
type visitor struct {
	*browser
	page Page
	url  string
}

// text is the visible text of an element.
func (v *visitor) text(selector string) string {
	return v.eval(fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

func (v *visitor) count(selector string) string {
	return v.eval(fmt.Sprintf(`document.querySelectorAll(%q).length`, selector))
}

func (v *visitor) press(selector string) {
	v.eval(fmt.Sprintf(`document.querySelector(%q).click()`, selector))
}

// wants asks for texts in what was got from a part of the page.
func (v *visitor) wants(part, got string, wanted ...string) {
	v.t.Helper()
	for _, w := range wanted {
		if !strings.Contains(got, w) {
			v.t.Errorf("%s: lacks %q: %.300s", part, w, got)
		}
	}
}

// wantsNoDetail asks for a page on which no network is chosen.
func (v *visitor) wantsNoDetail(after string) {
	v.t.Helper()
	if got := v.text("#detail"); got != "" {
		v.t.Errorf("after %s there is still %q", after, got)
	}
}

// memberAt returns the position on the screen of the k-th member of the front by x.
func (v *visitor) memberAt(k int) (x, y float64) {
	var at [2]float64
	got := v.eval(fmt.Sprintf(`(() => {
		const c = [...document.querySelectorAll('#marks > circle')][%d].getBoundingClientRect();
		return JSON.stringify([c.x + c.width / 2, c.y + c.height / 2]);
	})()`, k))
	if err := json.Unmarshal([]byte(got), &at); err != nil {
		v.t.Fatal(err)
	}
	return at[0], at[1]
}

// last names the last member of the front as its card does.
func (v *visitor) last() string { return fmt.Sprintf("trial %d ", len(v.page.Members)-1) }

func (v *visitor) hoverAndClick() {
	if n := v.count("#marks > circle"); n != strconv.Itoa(len(v.page.Members)) {
		v.t.Errorf("%s members drawn, want %d", n, len(v.page.Members))
	}
	members := fmt.Sprintf("front (%d)", len(v.page.Members))
	v.wants("legend", v.text("#legend"), members, "infeasible (", "MobileNetV2")

	x, y := v.memberAt(3)
	v.mouse("mouseMoved", x, y, 0)
	v.wants("hover", v.text("#tip"), "trial 3, on the front", "params", "MACs", "224x224x3")
	v.mouse("mouseMoved", 5, 5, 0)
	if v.eval(`document.querySelector('#tip').style.display`) != "none" {
		v.t.Error("the figures of a point stay when the pointer has left it")
	}

	v.click(x, y, 0)
	v.wants("click", v.text("#detail"),
		"trial 3 ", "Diagram, to the scale of latency", "3.2", "14x14x96", "1x1, 100", "ms", "runs with ")
	v.wants("card", v.eval(`document.querySelector('#detail').textContent`),
		"112x112x16", "stem.conv", "The most expensive blocks",
		"nas export 'results/<made up>:3' --format pytorch", "nas show 'results/<made up>:3' --diagram")
	if v.count("#detail mark") == "0" {
		v.t.Error("what the score cannot see is not marked")
	}
	if got := v.eval("location.hash"); got != "#3" {
		v.t.Errorf("the address says %q, want #3", got)
	}
	v.shot("page-desktop")
}

// compareByMouse has trial 3 chosen already.
func (v *visitor) compareByMouse() {
	x, y := v.memberAt(len(v.page.Members) - 1)
	v.click(x, y, shiftKey)
	v.wants("compare", v.text("#detail"), "Two networks", "trial 3 ", v.last(), "%")
	if n := v.count("#detail .card"); n != "2" {
		v.t.Errorf("%s cards, want two", n)
	}
	v.press("[data-act=swap]")
	v.wants("swap", v.eval("location.hash"), fmt.Sprintf("#%d,3", len(v.page.Members)-1))
	v.press("[data-act=close]")
	v.wantsNoDetail("close")
}

// compareByKeyboard walks along the front, chooses, compares and clears.
func (v *visitor) compareByKeyboard() {
	v.eval(`document.querySelector('#chart').focus()`)
	v.key("ArrowRight", "ArrowRight", "Enter", "End", "c")
	v.wants("keyboard", v.text("#detail"), "Two networks", "trial 1 ", v.last())
	v.key("Escape")
	v.wantsNoDetail("Escape")
}

// filter sets a limit on latency between the second and the third member.
func (v *visitor) filter() {
	limit := (v.page.Trials.At(1).X + v.page.Trials.At(2).X) / 2
	v.eval(`document.querySelector('[name=x]').focus()`)
	for _, c := range fmt.Sprintf("%.4f", limit) {
		v.key(string(c))
	}
	v.wants("filter", v.text("#left"), fmt.Sprintf("2 of %d members left", len(v.page.Members)))
	if n := v.count("#members tr.out"); n != strconv.Itoa(len(v.page.Members)-2) {
		v.t.Errorf("%s rows are out, want %d", n, len(v.page.Members)-2)
	}
	v.eval(`document.querySelector('[name=macs]').focus()`)
	for _, c := range "5ms" {
		v.key(string(c))
	}
	v.wants("bad value", v.text("#left"), "“5ms” is no number")
	if n := v.count(`#filter [aria-invalid="true"]`); n != "1" {
		v.t.Errorf("%s values are marked as bad, want 1", n)
	}
	v.press("#filter button")
	v.until(`document.querySelector('#left').innerText === ''`)
	first := func() string { return v.text("#members tbody button") }
	v.press(`#members [data-sort="0"]`)
	low := first()
	v.press(`#members [data-sort="0"]`)
	if high := first(); low != "0" || high != strconv.Itoa(len(v.page.Members)-1) {
		v.t.Errorf("sorted by trial the table begins with %s, then with %s", low, high)
	}
}

// onAPhone opens the page at two networks, in dark mode. There is no shift key.
func (v *visitor) onAPhone() {
	v.size(390, 844, true, true)
	v.open(v.url + "?phone#0,2")
	v.wants("address", v.text("#detail"), "Two networks", "trial 0 ", "trial 2 ")
	if v.eval(`getComputedStyle(document.body).backgroundColor`) == "rgb(255, 255, 255)" {
		v.t.Error("the page is white in dark mode")
	}
	wide := v.eval(`[...document.querySelectorAll('body *')]
		.filter(e => !e.closest('.scroll, svg, .ops') && e.getBoundingClientRect().right > 391)
		.map(e => e.tagName + '.' + e.className + '#' + e.id).join(' ')`)
	if wide != "" {
		v.t.Errorf("on a phone these stand out to the right: %s", wide)
	}
	v.shot("page-phone")
	v.press("[data-act=alone]")
	v.press("[data-act=compare]")
	v.press(`#members button[data-i="1"]`)
	v.wants("compare by button", v.eval("location.hash"), "#0,1")
}

// testLongPage opens the page of a run of which a sample is drawn: its members are
// where they were, its counts are those of the run, and a trial that is not drawn is
// said to be so.
func testLongPage(t *testing.T, b *browser) {
	p := longPage(60000, 20000)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, writePage(t, p), 0o644); err != nil {
		t.Fatal(err)
	}
	s := p.sample()
	b.size(1280, 900, false, false)
	b.open("file://" + path)
	legend := b.eval(`document.querySelector('#legend').innerText`)
	for _, want := range []string{
		fmt.Sprintf("front (%d)", len(p.Members)),
		fmt.Sprintf("tried (%s of %s)", report.Thousands(s.drawnFeasible), report.Thousands(s.feasible)),
		fmt.Sprintf("infeasible (%s of %s)", report.Thousands(s.drawnInfeasible), report.Thousands(s.infeasible)),
	} {
		if !strings.Contains(legend, want) {
			t.Errorf("the legend lacks %q: %s", want, legend)
		}
	}
	rows := b.eval(`[...document.querySelectorAll('#members tbody tr button')].map(e => e.innerText).join(' ')`)
	var want []string
	for _, m := range p.Members {
		want = append(want, strconv.Itoa(p.Trials.At(m.Trial).ID))
	}
	if rows != strings.Join(want, " ") {
		t.Errorf("members %s, want %v", rows, want)
	}
	absent := 0
	for slices.Contains(s.trials, absent) {
		absent++
	}
	b.open(fmt.Sprintf("file://%s?absent#%d", path, absent))
	got := b.eval(`document.querySelector('#detail').innerText`)
	if !strings.Contains(got, fmt.Sprintf("nas show results/long:%d", absent)) {
		t.Errorf("of trial %d, which is not drawn, the page says %q", absent, got)
	}
	b.shot("page-long")
	for _, c := range b.complaints("file://" + path) {
		t.Error(c)
	}
	b.events = nil
}

// liveRun is the server of a page of a run that grows.
type liveRun struct {
	t          *testing.T
	mu         sync.Mutex
	report     Page // of the finished run
	head       Page
	trials     []Trial
	shown      int // trials
	away, over bool
	state      string
	orders     string // what the buttons asked for
}

func (l *liveRun) set(n int, away, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown, l.away, l.over, l.state = n, away, over, "running"
}

// ServeHTTP answers as the live page's server does.
func (l *liveRun) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var v any
	var err error
	switch r.URL.Path {
	case "/":
		page := l.head
		if l.over {
			page = l.report
		}
		if err := Write(w, page); err != nil {
			l.t.Error(err)
		}
		return
	case "/trials":
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		if l.away {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		u := Update{
			Run: "1", Step: "search", Detail: fmt.Sprintf("%d of 10000", l.shown), Done: l.shown, Total: 10000,
			State: l.state, Next: 30, Ended: l.over,
			From: from, Of: l.shown, Trials: l.trials[from:min(from+2000, l.shown)], Curves: l.shown / 1000,
		}
		for _, m := range l.report.Members {
			if m.Trial < l.shown && from+len(u.Trials) == l.shown {
				u.Members = append(u.Members, m)
			}
		}
		v = u
	case "/network":
		v = l.report.Members[0].Network
	case "/growth":
		var wide, narrow any
		wide, narrow, err = Draw(l.report.Figures[0])
		v = map[string]any{"wide": wide, "narrow": narrow}
	case "/curves":
		var wide, narrow any
		wide, narrow, err = Draw(report.Curves{Title: "learned so far", Curves: []report.Curve{
			{Points: []report.XY{{X: 1, Y: 40}, {X: 3, Y: 60}}}, {Points: []report.XY{{X: 1, Y: 50}}, Running: true},
		}})
		v = map[string]any{"wide": wide, "narrow": narrow}
	case "/control":
		if r.Method != http.MethodPost || r.Header.Get("X-Nas-Token") != l.head.Token {
			l.t.Errorf("the page asks by %s with the token %q", r.Method, r.Header.Get("X-Nas-Token"))
		}
		do := r.URL.Query().Get("do")
		l.orders += do + " "
		l.state = map[string]string{"pause": "paused", "resume": "running", "stop": "stopping"}[do]
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err == nil {
		err = json.NewEncoder(w).Encode(v)
	}
	if err != nil {
		l.t.Error(err)
	}
}

// testLivePage follows a run that grows with every answer, loses its server for
// a moment, and ends.
func testLivePage(t *testing.T, b *browser, p Page) {
	l := &liveRun{t: t, report: p, head: p, shown: 100, state: "running"}
	for i := range p.Trials.Len() {
		l.trials = append(l.trials, p.Trials.At(i))
	}
	head := &l.head
	head.Trials, head.Members, head.Figures, head.Live, head.Token = Trials{}, nil, nil, true, "secret"
	server := httptest.NewServer(l)
	defer server.Close()
	b.size(1280, 900, false, false)
	b.open(server.URL + "/")
	b.until(`document.querySelectorAll('#marks > circle').length === 100`)
	b.until(`document.querySelector('#live').innerText === 'search: 100 of 10000'`)
	b.eval(`document.querySelector('#members button[data-i="7"]').click()`)
	b.until(`document.querySelector('#detail .diagram')`)
	b.until(`document.querySelector('#growth svg[aria-label="Hypervolume"]')`)
	b.until(`document.querySelector('#bar').value === 100 && document.querySelector('#bar').max === 10000`)
	pressButtons(t, b)
	b.shot("page-live")
	watchFronts(b, 100, len(p.Members))
	if b.eval(`document.querySelector('#learning').hidden`) != "true" {
		t.Error("before anything is learned its section is shown")
	}
	l.set(5000, false, false)
	b.until(`document.querySelector('#learning .wide svg')?.textContent.includes('learned so far')`)
	b.until(`document.querySelector('#learning .narrow svg')?.textContent.includes('at work')`)
	b.until(fmt.Sprintf(`document.querySelectorAll('#marks > circle').length === %d`, len(p.Members)))
	b.until(`document.querySelector('#live').innerText === 'search: 5000 of 10000'`)
	wantsNoOtherFront(t, b)
	if got := b.eval(`document.querySelector('#detail').innerText`); !strings.Contains(got, "trial 7 ") {
		t.Error("what was chosen is gone when trials arrive")
	}
	l.set(5000, true, false)
	b.until(`document.querySelector('#status').dataset.state === 'off'`)
	b.events = nil // the browser complains about the answer 503, rightly
	l.set(10000, false, true)
	b.until(`!document.querySelector('#live') && document.documentElement.dataset.ready === 'yes'`)
	if got := b.eval(`document.querySelector('#detail').innerText`); !strings.Contains(got, "trial 7 ") {
		t.Error("what was chosen is gone when the run has ended")
	}
	for _, c := range b.complaints(server.URL) {
		if !strings.Contains(c, "503") {
			t.Error(c)
		}
	}
	if l.orders != "pause resume stop " {
		t.Errorf("the buttons ordered %q", l.orders)
	}
}

// pressButtons pauses the run, lets it go on and stops it, by keyboard.
func pressButtons(t *testing.T, b *browser) {
	t.Helper()
	for _, x := range []struct{ button, state, shows, says string }{
		{"pause", "paused", "paused (search: 100 of 10000)", "paused"},
		{"pause", "on", "search: 100 of 10000", "search"},
		{"stop", "stopping", "stopping, what was found is kept (search: 100 of 10000)", "stopping, what was found is kept"},
	} {
		b.eval(fmt.Sprintf(`document.querySelector('#%s').focus()`, x.button))
		b.key("Enter")
		b.until(fmt.Sprintf(`document.querySelector('#status').dataset.state === %q`, x.state))
		b.until(fmt.Sprintf(`document.querySelector('#live').innerText === %q`, x.shows))
		if said := b.eval(`document.querySelector('#said').textContent`); said != x.says {
			t.Errorf("after %s a screen reader says %q, want %q", x.button, said, x.says)
		}
	}
	if b.eval(`document.querySelector('#stop').disabled`) != "true" {
		t.Error("a run that is being stopped can be stopped again")
	}
}

// watchFronts has the page note when it shows a front with another number of members than two.
func watchFronts(b *browser, before, after int) {
	b.eval(fmt.Sprintf(`window.frontsSeen = []; new MutationObserver(() => {
		const n = document.querySelectorAll('#marks > circle').length;
		if (n !== %d && n !== %d) frontsSeen.push(n);
	}).observe(document.querySelector('#marks'), {childList: true})`, before, after))
}

func wantsNoOtherFront(t *testing.T, b *browser) {
	t.Helper()
	if got := b.eval("frontsSeen.join()"); got != "" {
		t.Errorf("while it catches up the page shows fronts of %s members", got)
	}
}
