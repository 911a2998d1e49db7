// Nas searches for neural networks made of depthwise-separable blocks, and
// designs, measures and exports them. See README.md, or nas --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if err := checkMemory(); err != nil {
		fmt.Fprintf(os.Stderr, "nas: %v\n", err)
		os.Exit(exitFailed)
	}
	// The first signal ends the command in good order, a second one at once.
	// Without a handler, a reader of the output that goes would end the process in the midst of its work.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
