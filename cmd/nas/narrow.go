package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"nas/internal/config"
	"nas/internal/importance"
	"nas/internal/results"
	"nas/internal/tomlfile"
	"nas/space"
)

// narrowSpace is nas space CONFIG --narrow DIR --out FILE.
func (a *app) narrowSpace(ctx context.Context, path, dir, out string) error {
	if a.json {
		return usagef("--narrow writes a config and --json prints an object: choose one")
	}
	if err := a.place("--out", out); err != nil {
		return err
	}
	c, err := config.Load(path)
	if err != nil {
		return usage(err)
	}
	run, err := results.Load(dir)
	if err != nil {
		return usage(err)
	}
	whole, err := space.New(c.Space)
	if err != nil {
		return usage(err)
	}
	if searched, err := space.New(run.Config.Space); err != nil || searched.ID() != whole.ID() {
		return usagef("%s searched another space than that of %s: want the config of the run, or its copy %s/config.toml",
			dir, path, dir)
	}
	spec, cuts, err := importance.Narrow(ctx, run)
	if err != nil {
		return usage(err)
	}
	narrowed, err := space.New(spec)
	if err != nil {
		return err
	}
	c.Space = spec
	c.Name += "-narrow"
	c.Output.Dir += "-narrow"
	text, err := c.Encode()
	if err != nil {
		return err
	}
	head := fmt.Sprintf("# %s, narrowed by what %s showed: %s of %s networks are left.\n\n", path, dir, narrowed.Size(),
		whole.Size())
	text = append([]byte(head), withReasons(text, cuts)...)
	if err := a.save(out, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	if !a.quiet {
		a.notef("%d lines lost choices; %s of %s networks are left\n", len(cuts), narrowed.Size(), whole.Size())
	}
	return nil
}

// withReasons puts a comment in front of every line of a config that lost choices.
func withReasons(text []byte, cuts []importance.Cut) []byte {
	lines := tomlfile.LinesOf(text)
	before := map[int]string{}
	for _, c := range cuts {
		n := lines.Of("space." + c.Gene)
		before[n] += fmt.Sprintf("# without %s: %s\n", strings.Join(c.Left, ", "), c.Why)
	}
	var out bytes.Buffer
	for i, line := range slices.Collect(bytes.Lines(text)) {
		out.WriteString(strings.ReplaceAll(before[i+1], "\r", ""))
		out.Write(line)
	}
	return out.Bytes()
}
