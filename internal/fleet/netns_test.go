//go:build linux

package fleet_test

import (
	"net"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace dials from a network namespace.
type inNamespace string

// Dial implements nats.CustomDialer. The thread that enters the namespace ends with its goroutine.
func (ns inNamespace) Dial(network, address string) (net.Conn, error) {
	type dialed struct {
		net.Conn
		error
	}
	got := make(chan dialed, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		f, err := os.Open("/run/netns/" + string(ns))
		if err == nil {
			defer f.Close()
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
		}
		if err != nil {
			got <- dialed{nil, err}
			return
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			got <- dialed{nil, err}
			return
		}
		// An address of numbers, so that the dial stays on this thread.
		c, err := (&net.Dialer{Timeout: 5 * time.Second}).Dial(network, net.JoinHostPort(net.ParseIP(host).String(), port))
		got <- dialed{c, err}
	}()
	d := <-got
	return d.Conn, d.error
}
