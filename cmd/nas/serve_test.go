package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestServeAddress(t *testing.T) {
	for text, want := range map[string]string{
		"8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "127.0.0.1:0": "127.0.0.1:0", "0.0.0.0:8080": "0.0.0.0:8080",
		"[::1]:80": "[::1]:80", "box.local:9000": "box.local:9000",
		"": "", "localhost": "", "127.0.0.1": "", ":": "", "1.2.3.4:99999": "", "a:b:c": "",
	} {
		got, err := serveAddress(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("serveAddress(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

// Only this machine's own names, and only questions.
func TestGuard(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
	for _, tc := range []struct {
		name, method, host string
		want               int
	}{
		{"127.0.0.1", "GET", "127.0.0.1:8080", 200},
		{"127.0.0.1", "HEAD", "localhost:8080", 200},
		{"127.0.0.1", "GET", "[::1]:8080", 200},
		{"0.0.0.0", "GET", "192.168.1.7:8080", 200},
		{"box.local", "GET", "Box.local:8080", 200},
		{"127.0.0.1", "GET", "evil.example:8080", 421},
		{"0.0.0.0", "GET", "evil.example", 421},
		{"127.0.0.1", "GET", "127.0.0.1.evil.example:8080", 421},
		{"127.0.0.1", "GET", "", 421},
		{"127.0.0.1", "POST", "127.0.0.1:8080", 405},
		{"127.0.0.1", "OPTIONS", "127.0.0.1:8080", 405},
	} {
		r := httptest.NewRequest(tc.method, "/", nil)
		r.Host = tc.host
		w := httptest.NewRecorder()
		guard(tc.name, page).ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s to host %q, served at %s: %d, want %d", tc.method, tc.host, tc.name, w.Code, tc.want)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Error("other origins are let in")
		}
	}
}

func TestServeSaysThatAPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skipf("no network here: %v", err)
	}
	defer l.Close()
	_, err = serve(context.Background(), l.Addr().String(), http.NotFoundHandler())
	if err == nil || !strings.Contains(err.Error(), "another program has this port") {
		t.Errorf("error %v", err)
	}
}
