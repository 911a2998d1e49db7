package view

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"nas/accuracy/training"
	"nas/internal/config"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
)

// Live serves the report of a run while it is under way, and the finished one
// afterwards: "/" is the page, from which a script asks for "/trials", "/network" and
// "/curves" and "/growth", and to which [ControlPath] belongs. It holds one run at a time, the
// one that began last. The zero value waits for a run.
//
// Watching changes no result. Answers are small, and the page asks less often
// while something is measured.
type Live struct {
	Control *Control // of the run, by the buttons of the page; nil: the page only reads

	mu        sync.Mutex
	run       string // tells runs apart
	step      Step
	stored    *results.Stored // what is known of the run before its trials
	volumes   []report.XY     // hypervolume after a number of scored trials
	scored    int
	header    html.Page
	x, y      search.Objective
	front     *search.Front
	trials    []html.Trial
	rows      map[int]int // index in trials, by trial id
	predictor *latency.Predictor
	expected  results.Expectation
	finished  string // the report's file

	learned results.Learned
	judged  map[string]report.Curve // of the networks whose trials are over, by arch id: stopped or not, no points
	curves  int                     // grows with what is learned and judged
}

// batch is how many trials one answer holds at most.
const batch = 2000

// Begin shows another run from here on: one that is being made in dir, of which there are no trials yet.
func (l *Live) Begin(dir string, m runstore.Manifest, c *config.Config, predictor *latency.Predictor) error {
	s := &results.Stored{Dir: dir, Manifest: m, Config: c}
	x, y := s.Axes()
	front, err := search.NewFront(m.Objectives, m.Reference)
	if err != nil {
		return err
	}
	expected, err := results.ExpectationOf(c)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.run = fmt.Sprintf("%s %d", dir, time.Now().UnixNano())
	l.header, l.x, l.y, l.predictor, l.finished = headerOf(s, x, y), x, y, predictor, ""
	l.header.Live, l.expected = true, expected
	l.stored, l.volumes, l.scored = s, nil, 0
	if l.Control != nil {
		l.header.Token = l.Control.token
	}
	l.front, l.trials, l.rows = front, nil, map[int]int{}
	l.learned, l.judged, l.curves = results.ReadLearned(dir), map[string]report.Curve{}, 0
	return nil
}

// Learn takes an accuracy of a network that is being trained.
func (l *Live) Learn(archID string, r training.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.learned != nil && l.learned.Add(archID, r) {
		l.curves++
	}
}

// References are shown once they are judged.
func (l *Live) References(rs []runstore.Reference) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.header.Fronts.References = referencePoints(rs, l.x, l.y)
}

// Observe takes the trials in their order.
func (l *Live) Observe(t *search.Trial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.front == nil {
		return
	}
	grown := l.front.Add(*t)
	if !t.Screened {
		l.scored++
	}
	if grown {
		l.volumes = append(l.volumes, report.XY{X: float64(l.scored), Y: l.front.Hypervolume()})
	}
	if len(t.Rungs) > 0 {
		l.judged[t.ArchID] = report.Curve{Name: strconv.Itoa(t.ID), Stopped: t.Stopped}
		l.curves++
	}
	if q, ok := results.ShownTrial(t, l.x, l.y); ok {
		l.rows[t.ID] = len(l.trials)
		l.trials = append(l.trials, q)
	}
}

// Step is what a run is doing, and how far that has come.
type Step struct {
	Name, Detail string
	Done, Total  int // Total is 0 if it is unknown
}

// Step says what the run is doing.
func (l *Live) Step(s Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.step = s
}

// End shows the report of the finished run, if that file was written, in place of what was shown until now.
func (l *Live) End(file string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.step = Step{Name: "ended"}
	if _, err := os.Stat(file); err == nil {
		l.finished = file
	}
}

// ServeHTTP answers a request. It does not check who asks: that is up to the caller.
func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "+
		"img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	switch r.URL.Path {
	case "/":
		l.servePage(w)
	case "/trials":
		l.serveTrials(w, r)
	case "/network":
		l.serveNetwork(w, r)
	case "/curves":
		l.serveCurves(w, r)
	case "/growth":
		l.serveGrowth(w, r)
	case ControlPath:
		if l.Control == nil {
			http.NotFound(w, r)
			return
		}
		l.Control.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (l *Live) servePage(w http.ResponseWriter) {
	l.mu.Lock()
	header, finished := l.header, l.finished
	l.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if finished != "" {
		if data, err := os.ReadFile(finished); err == nil {
			w.Write(data)
			return
		}
	}
	var b bytes.Buffer
	var err error
	if header.Live {
		err = html.Write(&b, header)
	} else {
		token := ""
		if l.Control != nil {
			token = l.Control.token
		}
		err = html.WriteWaiting(&b, token)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(b.Bytes())
}

// serveTrials answers what is new since the trial number in the query.
func (l *Live) serveTrials(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 {
		http.Error(w, "from: want the number of trials that are known", http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	u := html.Update{
		Run: l.run, Step: l.step.Name, Detail: l.step.Detail, Done: l.step.Done, Total: l.step.Total,
		State: l.state(), Next: 1000, Ended: l.finished != "",
		From: min(from, len(l.trials)), Of: len(l.trials), Curves: l.curves,
	}
	if run := r.URL.Query().Get("run"); run == "" || run == l.run {
		u.Trials = slices.Clone(l.trials[u.From:min(len(l.trials), u.From+batch)])
	}
	complete := u.From+len(u.Trials) == len(l.trials)
	if l.front != nil && complete { // only then does the page know all of its members
		for _, t := range l.front.Trials() {
			if row, ok := l.rows[t.ID]; ok {
				u.Members = append(u.Members, pageMember(&t, row, l.x, l.y, l.expected))
			}
		}
	}
	l.mu.Unlock()
	switch {
	case !complete:
		u.Next = 20
	case u.Step == "measure" || u.Step == "measure again" || u.Step == "calibrate":
		u.Next = 5000 // drawing would disturb what is timed
	}
	l.writeJSON(w, u)
}

// state is what the page shows; the caller holds the lock.
func (l *Live) state() string {
	if l.step.Name == "ended" { // without a report
		return "ended"
	}
	return l.Control.state()
}

// serveNetwork answers a trial's diagram and layers.
func (l *Live) serveNetwork(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.URL.Query().Get("trial"))
	l.mu.Lock()
	row, ok := l.rows[id]
	arch := ""
	if ok {
		arch = l.trials[row].Arch
	}
	predictor := l.predictor
	l.mu.Unlock()
	if err != nil || !ok {
		http.NotFound(w, r)
		return
	}
	n, err := pageNetwork(arch, predictor)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	l.writeJSON(w, n)
}

// serveCurves answers the learning curves as they are now.
func (l *Live) serveCurves(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	var curves []report.Curve
	if l.front != nil {
		front := map[string]bool{}
		for _, t := range l.front.Trials() {
			front[t.ArchID] = true
		}
		for _, id := range slices.Sorted(maps.Keys(l.learned)) {
			c, judged := l.judged[id]
			c.Points, c.Front, c.Running = slices.Clone(l.learned[id]), front[id], !judged
			if !c.Front {
				c.Name = ""
			}
			curves = append(curves, c)
		}
	}
	name, label := l.header.Fronts.Title, l.header.Fronts.Y.Label
	l.mu.Unlock()
	if len(curves) == 0 {
		http.NotFound(w, r)
		return
	}
	l.draw(w, results.CurvesFigure(name, label, curves))
}

// serveGrowth answers the hypervolume as it grew so far.
func (l *Live) serveGrowth(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	var s results.Stored
	if l.stored != nil {
		s = *l.stored
		s.Volumes = slices.Clone(l.volumes)
	}
	l.mu.Unlock()
	if len(s.Volumes) == 0 {
		http.NotFound(w, r)
		return
	}
	l.draw(w, Growth(&s))
}

// draw answers a figure, for wide screens and for narrow ones.
func (l *Live) draw(w http.ResponseWriter, f report.Figure) {
	wide, narrow, err := html.Draw(f)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	l.writeJSON(w, map[string]any{"wide": wide, "narrow": narrow})
}

func (l *Live) writeJSON(w http.ResponseWriter, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(data)
}

// ControlPath is the only path of [Live] that takes POST requests.
const ControlPath = "/control"

// tokenHeader is the header that proves that a request comes from our own page. A page of another site cannot read the
// token, and cannot send the header without asking first, which is refused.
const tokenHeader = "X-Nas-Token"

// Control lets the page of a run hold it, let it go on, and stop it.
type Control struct {
	gate     Gate
	stop     func()
	token    string
	stopping atomic.Bool
}

// Gate holds a run while it is closed.
type Gate interface {
	Close()
	Open()
	State() (closed, waiting bool)
}

// NewControl makes the control of a run by its gate, and by what stops it cleanly.
func NewControl(gate Gate, stop func()) *Control {
	return &Control{gate: gate, stop: stop, token: rand.Text()}
}

// Stopped reports whether the page has stopped the run.
func (c *Control) Stopped() bool { return c != nil && c.stopping.Load() }

// state is what the page shows: "running", "pausing" while what has begun is finished, "paused" or "stopping".
func (c *Control) state() string {
	if c == nil {
		return "running"
	}
	closed, waiting := c.gate.State()
	switch {
	case c.stopping.Load():
		return "stopping"
	case closed && waiting:
		return "paused"
	case closed:
		return "pausing"
	}
	return "running"
}

// ServeHTTP carries out what the query names: do=pause, do=resume or do=stop. It refuses requests that other sites
// send.
func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	site := r.Header.Get("Sec-Fetch-Site")
	given := []byte(r.Header.Get(tokenHeader))
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a run is paused and stopped by POST", http.StatusMethodNotAllowed)
		return
	case site != "" && site != "same-origin", r.Header.Get("Origin") != "http://"+r.Host:
		http.Error(w, "only nas's own page may pause or stop a run", http.StatusForbidden)
		return
	case subtle.ConstantTimeCompare(given, []byte(c.token)) != 1:
		http.Error(w, "this page is of an earlier run: load it again", http.StatusForbidden)
		return
	}
	switch r.URL.Query().Get("do") {
	case "pause":
		c.gate.Close()
	case "resume":
		c.gate.Open()
	case "stop":
		c.stopping.Store(true)
		c.stop()
	default:
		http.Error(w, "do: want pause, resume or stop", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
