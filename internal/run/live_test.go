package run

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"nas/internal/runtest"
	"nas/internal/view"
	"nas/internal/work"
)

// update is what page/live.js reads of an answer.
type update struct {
	Run, Step, Detail string
	Ended             bool
	From              int
	Trials            struct{ ID []int }
	Archs             []string
	Members           []struct{ Trial int }
}

// testLive watches a run like out, made by one worker, from its own progress, and
// holds the result to the same bytes.
func testLive(t *testing.T, out *Outcome) {
	live := new(view.Live)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		live.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	trials := func(path string) (u update) {
		code, body := get(path)
		if code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, code, body)
		}
		if err := json.Unmarshal([]byte(body), &u); err != nil {
			t.Fatal(err)
		}
		return u
	}
	if _, page := get("/"); !strings.Contains(page, "gets ready") {
		t.Error("before the run the page does not say that it gets ready")
	}

	c := runtest.Config(t, filepath.Join(out.Dir, "profile.json"))
	c.Accuracy.Proxy = out.Setup.Config.Accuracy.Proxy
	seen, run, asked := 0, "", 0
	progress := func(p work.Progress) {
		if p.Step != "search" {
			return
		}
		u := trials("/trials?from=" + strconv.Itoa(seen))
		if u.Ended || u.From != seen || len(u.Archs) != len(u.Trials.ID) {
			t.Fatalf("asked from %d: %+v", seen, u)
		}
		if run != "" && u.Run != run {
			t.Fatal("the run changed its name on the way")
		}
		run, seen, asked = u.Run, seen+len(u.Trials.ID), asked+1
		for _, m := range u.Members {
			if m.Trial >= seen {
				t.Fatalf("member %d of the front is not among %d trials", m.Trial, seen)
			}
		}
		if len(u.Trials.ID) > 0 {
			if code, body := get("/network?trial=" + strconv.Itoa(u.Trials.ID[0])); code != http.StatusOK ||
				!strings.Contains(body, `"stem"`) {
				t.Fatalf("network: %d %s", code, body)
			}
			if _, page := get("/"); !strings.Contains(page, `id="live"`) {
				t.Fatal("the page is not a live one")
			}
		}
	}
	mustRun(t, t.Context(), Options{Options: work.Options{Workers: 1, Progress: progress}, Config: c, Live: live})
	if seen == 0 || asked < 2 {
		t.Errorf("%d trials were seen in %d answers", seen, asked)
	}
	sameTrials(t, out.Dir, c.Output.Dir)
	if u := trials("/trials?from=0&run=another"); !u.Ended || len(u.Trials.ID) > 0 {
		t.Errorf("after the end: %+v", u)
	}
	if _, page := get("/"); page != string(runtest.Read(t, c.Output.Dir, "report.html")) {
		t.Error("after the end the page is not the report")
	}
	for path, want := range map[string]int{
		"/trials": http.StatusBadRequest, "/trials?from=-1": http.StatusBadRequest, "/trials?from=999999": http.StatusOK,
		"/network?trial=999999": http.StatusNotFound, "/network": http.StatusNotFound, "/../config.toml": http.StatusNotFound, "/config.toml": http.StatusNotFound,
	} {
		if code, _ := get(path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}
