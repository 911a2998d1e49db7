package view

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"nas/internal/work"
)

// Only the page itself may pause and stop a run.
func TestControl(t *testing.T) {
	gate, stops := new(work.Gate), 0
	c := NewControl(gate, func() { stops++ })
	live := &Live{Control: c}
	ask := func(method, do, origin, site, token string) int {
		r := httptest.NewRequest(method, "http://127.0.0.1:8080"+ControlPath+"?do="+do, nil)
		for key, v := range map[string]string{"Origin": origin, "Sec-Fetch-Site": site, tokenHeader: token} {
			if v != "" {
				r.Header.Set(key, v)
			}
		}
		w := httptest.NewRecorder()
		live.ServeHTTP(w, r)
		return w.Code
	}
	const own = "http://127.0.0.1:8080"
	for _, x := range []struct {
		method, do, origin, site, token string
		want                            int
	}{
		{"GET", "stop", own, "same-origin", c.token, 405},
		{"POST", "stop", "", "", c.token, 403},
		{"POST", "stop", "null", "", c.token, 403},
		{"POST", "stop", "http://evil.example", "", c.token, 403},
		{"POST", "stop", "http://127.0.0.1:9090", "", c.token, 403},
		{"POST", "stop", own, "cross-site", c.token, 403},
		{"POST", "stop", own, "same-site", c.token, 403},
		{"POST", "stop", own, "same-origin", "", 403},
		{"POST", "stop", own, "same-origin", c.token + "x", 403},
		{"POST", "start", own, "same-origin", c.token, 400},
	} {
		if got := ask(x.method, x.do, x.origin, x.site, x.token); got != x.want {
			t.Errorf("%+v: %d", x, got)
		}
	}
	if closed, _ := gate.State(); closed || stops > 0 || c.Stopped() || c.state() != "running" {
		t.Fatal("a request that was refused did something")
	}
	for _, x := range []struct{ do, state string }{{"pause", "pausing"}, {"resume", "running"}, {"stop", "stopping"}} {
		if got := ask("POST", x.do, own, "same-origin", c.token); got != http.StatusNoContent || c.state() != x.state {
			t.Errorf("%s: %d, the run is %s", x.do, got, c.state())
		}
	}
	if stops != 1 || !c.Stopped() {
		t.Errorf("stopped %d times", stops)
	}
	live.Control = nil // what others may reach has no buttons
	if got := ask("POST", "stop", own, "same-origin", c.token); got != http.StatusNotFound {
		t.Errorf("without a control: %d", got)
	}
}
