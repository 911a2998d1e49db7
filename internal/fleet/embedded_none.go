//go:build noserver

package fleet

import "nas/internal/config"

// Server is a NATS service in this process, which this program was built without.
type Server struct{}

// Serve says that there is none.
func Serve(string, string, Access, func(format string, a ...any)) (*Server, error) {
	return nil, config.Usagef("--fleet embedded: this nas was built without a server (tag noserver): " +
		"give the address of a nats-server, or use a nas that has one")
}

// Access is that of no service.
func (s *Server) Access() Access { return Access{} }

// URL is that of no service.
func (s *Server) URL() string { return "" }

// Close does nothing.
func (s *Server) Close(bool) {}
