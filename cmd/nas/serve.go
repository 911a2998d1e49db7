package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"nas/internal/view"
)

// serveAddress completes what --serve names: a bare port, or :port, is one of
// this machine alone.
func serveAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil && !strings.Contains(text, ":") {
		host, port, err = "", text, nil
	}
	if n, e := net.LookupPort("tcp", port); err != nil || e != nil || port == "" || n < 0 {
		return "", usagef("--serve %q: want HOST:PORT, such as 127.0.0.1:8080, "+
			"or a port of this machine alone, such as 8080", text)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// serve shows a page at an address until the context ends. It returns as soon as the
// address is open, with the URL for a browser.
func serve(ctx context.Context, address string, page http.Handler) (url string, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "", fmt.Errorf("--serve %s: another program has this port: choose another one, "+
			"or 0 for any that is free", address)
	case errors.Is(err, syscall.EACCES):
		return "", fmt.Errorf("--serve %s: this port is not for you to take: choose one above 1023", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "", usagef("--serve %s: this machine has no such address: "+
			"127.0.0.1 is this machine alone, 0.0.0.0 all that it has", address)
	case err != nil:
		return "", fmt.Errorf("--serve %s: %w", address, err)
	}
	host, _, _ := net.SplitHostPort(address)
	s := &http.Server{
		Handler: guard(host, page), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	go s.Serve(l)
	context.AfterFunc(ctx, func() { s.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/", nil
}

// guard passes only GET and HEAD requests, and POST for the control of a run, which checks them further. Their host
// must be an IP address, localhost or name, the host that --serve was given. Other names are refused because of DNS
// rebinding: a web page in this machine's browser could otherwise read the run through a name that its owner points at
// this machine.
func guard(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		switch {
		case err != nil && !strings.EqualFold(host, "localhost") && !strings.EqualFold(host, name):
			http.Error(w, "nas answers to its address only, not to "+host, http.StatusMisdirectedRequest)
		case r.Method == http.MethodPost && r.URL.Path == view.ControlPath:
			next.ServeHTTP(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this page can only be read", http.StatusMethodNotAllowed)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// loopback reports whether only this machine can reach an address.
func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
