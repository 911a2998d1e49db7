package main

import (
	"github.com/spf13/cobra"

	"nas/internal/resolve"
)

const archForms = resolve.Forms

// oneArch is the check of commands that take one ARCH.
func oneArch(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want one network, got %d arguments: ARCH is %s", len(args), archForms)
	}
	return nil
}

// find resolves an ARCH; what it does not find is the user's mistake.
func find(text string) (*resolve.Network, error) {
	n, err := resolve.Find(text)
	return n, usage(err)
}
