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
	b := openBrowser(t)
	p := madeUpPage(10000)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, writePage(t, p), 0o644); err != nil {
		t.Fatal(err)
	}
	url := "file://" + path
	text := func(selector string) string {
		return b.eval(fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
	}
	wants := func(what, got string, wanted ...string) {
		t.Helper()
		for _, w := range wanted {
			if !strings.Contains(got, w) {
				t.Errorf("%s: lacks %q: %.300s", what, w, got)
			}
		}
	}
	// where returns the place on the screen of a member of the front, by its
	// number in the order of x.
	where := func(k int) (x, y float64) {
		var at [2]float64
		got := b.eval(fmt.Sprintf(`(() => { const c = [...document.querySelectorAll('#marks > circle')][%d].getBoundingClientRect(); return JSON.stringify([c.x + c.width / 2, c.y + c.height / 2]); })()`, k))
		if err := json.Unmarshal([]byte(got), &at); err != nil {
			t.Fatal(err)
		}
		return at[0], at[1]
	}

	b.size(1280, 900, false, false)
	b.open(url)
	t.Logf("ready after %s ms, a page of %s bytes", b.eval(`Math.round(performance.now())`), b.eval(`document.documentElement.outerHTML.length`))
	if n := b.eval(`document.querySelectorAll('#marks > circle').length`); n != strconv.Itoa(len(p.Members)) {
		t.Errorf("%s members drawn, want %d", n, len(p.Members))
	}
	wants("legend", text("#legend"), fmt.Sprintf("front (%d)", len(p.Members)), "infeasible (", "MobileNetV2")

	x, y := where(3)
	b.mouse("mouseMoved", x, y, 0)
	wants("hover", text("#tip"), "trial 3, on the front", "params", "MACs", "224x224x3")
	b.mouse("mouseMoved", 5, 5, 0)
	if b.eval(`document.querySelector('#tip').style.display`) != "none" {
		t.Error("the figures of a point stay when the pointer has left it")
	}

	b.click(x, y, 0)
	wants("click", text("#detail"), "trial 3 ", "Diagram, to the scale of latency", "3.2", "14x14x96", "1x1, 100", "ms", "runs with ")
	all := b.eval(`document.querySelector('#detail').textContent`)
	wants("card", all, "112x112x16", "stem.conv", "The most expensive blocks", "nas export 'results/<made up>:3' --format pytorch", "nas show 'results/<made up>:3' --diagram")
	if n := b.eval(`document.querySelectorAll('#detail mark').length`); n == "0" {
		t.Error("what the score cannot see is not marked")
	}
	if got := b.eval("location.hash"); got != "#3" {
		t.Errorf("the address says %q, want #3", got)
	}
	b.shot("page-desktop")

	x, y = where(len(p.Members) - 1)
	b.click(x, y, shiftKey)
	last := fmt.Sprintf("trial %d ", len(p.Members)-1)
	wants("compare", text("#detail"), "Two networks", "trial 3 ", last, "%")
	if n := b.eval(`document.querySelectorAll('#detail .card').length`); n != "2" {
		t.Errorf("%s cards, want two", n)
	}
	b.eval(`document.querySelector('[data-act=swap]').click()`)
	wants("swap", b.eval("location.hash"), fmt.Sprintf("#%d,3", len(p.Members)-1))
	b.eval(`document.querySelector('[data-act=close]').click()`)
	if got := text("#detail"); got != "" {
		t.Errorf("after close there is still %q", got)
	}

	// The keyboard alone: along the front, choose, compare, clear.
	b.eval(`document.querySelector('#chart').focus()`)
	b.key("ArrowRight", "ArrowRight", "Enter", "End", "c")
	wants("keyboard", text("#detail"), "Two networks", "trial 1 ", last)
	b.key("Escape")
	if got := text("#detail"); got != "" {
		t.Errorf("after Escape there is still %q", got)
	}

	// A limit on latency between the second and the third member.
	limit := (p.Trials.At(1).X + p.Trials.At(2).X) / 2
	b.eval(`document.querySelector('[name=x]').focus()`)
	for _, c := range fmt.Sprintf("%.4f", limit) {
		b.key(string(c))
	}
	wants("filter", text("#left"), fmt.Sprintf("2 of %d members left", len(p.Members)))
	if n := b.eval(`document.querySelectorAll('#members tr.out').length`); n != strconv.Itoa(len(p.Members)-2) {
		t.Errorf("%s rows are out, want %d", n, len(p.Members)-2)
	}
	b.eval(`document.querySelector('#filter button').click()`)
	b.until(`document.querySelector('#left').innerText === ''`)

	// A phone in dark mode, opened at two networks; no shift key there.
	b.size(390, 844, true, true)
	b.open(url + "?phone#0,2")
	wants("address", text("#detail"), "Two networks", "trial 0 ", "trial 2 ")
	if b.eval(`getComputedStyle(document.body).backgroundColor`) == "rgb(255, 255, 255)" {
		t.Error("the page is white in dark mode")
	}
	if wide := b.eval(`[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, svg, .ops') && e.getBoundingClientRect().right > 391).map(e => e.tagName + '.' + e.className + '#' + e.id).join(' ')`); wide != "" {
		t.Errorf("on a phone these stand out to the right: %s", wide)
	}
	b.shot("page-phone")
	b.eval(`document.querySelector('[data-act=alone]').click(); document.querySelector('[data-act=compare]').click(); document.querySelector('#members button[data-i="1"]').click()`)
	wants("compare by button", b.eval("location.hash"), "#0,1")

	for _, c := range b.complaints(url) {
		t.Error(c)
	}
	b.events = nil
	t.Run("long", func(t *testing.T) {
		b.t = t
		testLongPage(t, b)
	})
	t.Run("live", func(t *testing.T) {
		b.t = t
		testLivePage(t, b, p)
	})
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
	for _, want := range []string{fmt.Sprintf("front (%d)", len(p.Members)), fmt.Sprintf("tried (%s of %s)", report.Thousands(s.drawn), report.Thousands(s.tried)),
		fmt.Sprintf("infeasible (%s of %s)", report.Thousands(s.drawnBad), report.Thousands(s.bad))} {
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
	if got := b.eval(`document.querySelector('#detail').innerText`); !strings.Contains(got, fmt.Sprintf("nas show results/long:%d", absent)) {
		t.Errorf("of trial %d, which is not drawn, the page says %q", absent, got)
	}
	b.shot("page-long")
	for _, c := range b.complaints("file://" + path) {
		t.Error(c)
	}
	b.events = nil
}

// testLivePage follows a run that grows with every answer, loses its server for
// a moment, and ends.
func testLivePage(t *testing.T, b *browser, p Page) {
	var trials []Trial
	for i := range p.Trials.Len() {
		trials = append(trials, p.Trials.At(i))
	}
	members := p.Members
	head := p
	head.Trials, head.Members, head.Figures, head.Live = Trials{}, nil, nil, true
	var mu sync.Mutex
	shown, away, ended := 100, false, false
	set := func(n int, gone, over bool) {
		mu.Lock()
		defer mu.Unlock()
		shown, away, ended = n, gone, over
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var v any
		switch r.URL.Path {
		case "/":
			page := head
			if ended {
				page = p
			}
			if err := Write(w, page); err != nil {
				t.Error(err)
			}
			return
		case "/trials":
			from, _ := strconv.Atoi(r.URL.Query().Get("from"))
			if away {
				http.Error(w, "away", http.StatusServiceUnavailable)
				return
			}
			u := Update{Run: "1", Step: "search", Detail: fmt.Sprintf("%d of 10000", shown), Next: 30, Ended: ended, From: from, Trials: trials[from:shown]}
			for _, m := range members {
				if m.Trial < shown {
					u.Members = append(u.Members, m)
				}
			}
			v = u
		case "/network":
			v = members[0].Network
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		w.Write(data)
	}))
	defer server.Close()
	b.size(1280, 900, false, false)
	b.open(server.URL + "/")
	b.until(`document.querySelectorAll('#marks > circle').length === 100`)
	b.until(`document.querySelector('#live').innerText === 'search: 100 of 10000'`)
	b.eval(`document.querySelector('#members button[data-i="7"]').click()`)
	b.until(`document.querySelector('#detail .diagram')`)
	set(5000, false, false)
	b.until(fmt.Sprintf(`document.querySelectorAll('#marks > circle').length === %d`, len(members)))
	b.until(`document.querySelector('#live').innerText === 'search: 5000 of 10000'`)
	if got := b.eval(`document.querySelector('#detail').innerText`); !strings.Contains(got, "trial 7 ") {
		t.Error("what was chosen is gone when trials arrive")
	}
	set(5000, true, false)
	b.until(`document.querySelector('#live').dataset.state === 'off'`)
	b.events = nil // the browser complains about the answer 503, rightly
	set(10000, false, true)
	b.until(`!document.querySelector('#live') && document.documentElement.dataset.ready === 'yes'`)
	if got := b.eval(`document.querySelector('#detail').innerText`); !strings.Contains(got, "trial 7 ") {
		t.Error("what was chosen is gone when the run has ended")
	}
	for _, c := range b.complaints(server.URL) {
		if !strings.Contains(c, "503") {
			t.Error(c)
		}
	}
}
