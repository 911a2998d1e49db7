package main

import (
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks/zoo"
	"nas/internal/device"
	"nas/internal/netfile"
	"nas/latency/devices"
)

// completions tells the shell what each argument and flag may be. An ARCH is completed
// to the networks of the zoo and to files.
func completions(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		completions(cmd)
		if strings.Contains(cmd.Use, "ARCH") {
			cmd.ValidArgsFunction = func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
				return beginningWith(typed, zooNames()), cobra.ShellCompDirectiveDefault
			}
		}
		for flag, values := range map[string]func() []string{
			"format": netfile.Writable, "device": device.Names,
			"what": plotNames, "profile": devices.Profiles,
		} {
			if cmd.Flags().Lookup(flag) != nil {
				cmd.RegisterFlagCompletionFunc(flag,
					func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
						return beginningWith(typed, values()), cobra.ShellCompDirectiveDefault
					})
			}
		}
	}
}

// shells adds cobra's command that writes the completions, with examples. The command
// writes to the output that the root has at this moment.
func shells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	cmd.Example = "  nas completion bash > /etc/bash_completion.d/nas\n  nas completion zsh > \"${fpath[1]}/_nas\""
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("there is no completion for %q: want bash, zsh, fish or powershell", args[0])
		}
		return cmd.Help()
	}
	cmd.Args = cobra.ArbitraryArgs
	for _, shell := range cmd.Commands() {
		shell.Example = "  nas completion " + shell.Name()
	}
}

func zooNames() (names []string) {
	for _, e := range zoo.Entries() {
		names = append(names, e.Name)
	}
	return names
}

func plotNames() (names []string) {
	for _, p := range plots {
		names = append(names, p.name)
	}
	return names
}

func beginningWith(typed string, names []string) (out []string) {
	for _, n := range names {
		if strings.HasPrefix(n, typed) {
			out = append(out, n)
		}
	}
	return out
}
