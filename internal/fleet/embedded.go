//go:build !noserver

package fleet

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"nas/internal/config"
	"nas/internal/fault"
)

// Server is a NATS service in this process.
type Server struct {
	server *server.Server
	store  string
	access Access
}

// Serve starts a NATS service for a run in dir at HOST:PORT, "" for the default port of this machine alone. Whoever can
// reach another address must have the token, the nkey or, if there is a CA, a certificate. What a queue that was left
// there by a crash still holds is used; if it is damaged, it goes.
func Serve(dir, listen string, a Access, say func(format string, a ...any)) (*Server, error) {
	if listen == "" {
		listen = "127.0.0.1:4222"
	}
	host, port, err := net.SplitHostPort(listen)
	n, e := strconv.Atoi(port)
	if err != nil || e != nil || n < 0 || n > 65535 || host == "" {
		return nil, config.Usagef("--listen %q: want HOST:PORT, such as 127.0.0.1:4222 or 0.0.0.0:4222", listen)
	}
	if n == 0 {
		n = server.RANDOM_PORT
	}
	o := &server.Options{
		ServerName: "nas", Host: host, Port: n, NoSigs: true, NoLog: true, JetStream: true, SyncAlways: true,
		StoreDir: filepath.Join(dir, "queue"), MaxPayload: maxMessage, JetStreamMaxMemory: 64 << 20,
		JetStreamMaxStore: 64 << 30, DisableShortFirstPing: true,
	}
	if err := secure(o, &a, host); err != nil {
		return nil, err
	}
	s, err := start(o)
	if err != nil {
		say("the queue in %s cannot be used (%v): it is made anew", o.StoreDir, err)
		if err := os.RemoveAll(o.StoreDir); err != nil {
			return nil, fault.Errorf("fleet: %w", err)
		}
		s, err = start(o)
	}
	if err != nil {
		return nil, fault.Errorf("fleet: the embedded service does not start at %s: %w: choose another address with --listen",
			listen, err)
	}
	a.URL, a.inProcess = s.ClientURL(), s
	return &Server{s, o.StoreDir, a}, nil
}

// secure puts who may connect into the options.
func secure(o *server.Options, a *Access, host string) error {
	token, err := a.token()
	if err != nil {
		return err
	}
	o.Authorization = token
	pair, err := a.pair()
	if err != nil {
		return err
	}
	if pair != nil {
		public, err := pair.PublicKey()
		if err != nil {
			return fault.Errorf("fleet: the nkey: %w", err)
		}
		if token != "" {
			return config.Usagef("a token and an nkey are given: choose one")
		}
		o.Nkeys = []*server.NkeyUser{{Nkey: public}}
	}
	if a.Cert != "" {
		c, err := a.tls()
		if err != nil {
			return err
		}
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: c.Certificates, ClientCAs: c.RootCAs}
		if c.RootCAs != nil {
			o.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
		}
		o.TLS, o.TLSTimeout = true, 5
	}
	if !isLoopback(host) && token == "" && pair == nil && (a.Cert == "" || a.CA == "") {
		return config.Usagef("--listen %s is open to other machines: give --token-file, --nkey-file, or --tls-cert, "+
			"--tls-key and --tls-ca, so that only your workers are let in", net.JoinHostPort(host, strconv.Itoa(o.Port)))
	}
	return nil
}

// start starts a server, and waits until it is ready.
func start(o *server.Options) (s *server.Server, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Errorf("fleet: %v", p)
		}
	}()
	if s, err = server.NewServer(o.Clone()); err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("it is not ready: another program may have the port")
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, errors.New("its store is damaged")
	}
	return s, nil
}

// Access is how this process reaches the service.
func (s *Server) Access() Access { return s.access }

// URL is where other processes reach the service.
func (s *Server) URL() string { return s.server.ClientURL() }

// Close ends the service. If the run is over, its store goes too.
func (s *Server) Close(over bool) {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	if over {
		os.RemoveAll(s.store)
	}
}
