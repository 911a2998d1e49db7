//go:build unix

package main

import (
	"fmt"
	"syscall"
)

// leastAddresses is the address space that a Go program needs room for, in bytes. It takes addresses in advance, which
// costs no memory; where it gets none, it ends in the midst of its work.
const leastAddresses = 2 << 30

// checkMemory returns an error if the process may not have that much address space (ulimit -v).
func checkMemory() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &limit); err != nil || uint64(limit.Cur) >= leastAddresses {
		return nil
	}
	return fmt.Errorf("the limit of virtual memory is %d kB (ulimit -v): want %d kB or more, of which only a part is used",
		uint64(limit.Cur)>>10, leastAddresses>>10)
}
