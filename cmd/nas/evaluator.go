package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nas/accuracy/evaluators"
	"nas/accuracy/training"
	"nas/internal/config"
)

func newEvaluators(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evaluator",
		Short: "List the recipes for training, or copy one to change it",
		Long: `Evaluator lists the evaluator recipes that come with the program, and copies them. A
recipe says how a run trains its networks: [accuracy] evaluator = "torch-folder" in a
config, or the path of a recipe of your own.`,
		Example: `  nas evaluator list`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{
		Use:     "list",
		Short:   "List the recipes: what they start, and by which rungs they train",
		Long:    `List shows the evaluator recipes that come with the program.`,
		Example: "  nas evaluator list\n  nas evaluator list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			views, err := listedEvaluators()
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(map[string]any{"evaluators": views})
			}
			t := table{head: []string{"name", "starts", "epochs of the rungs", "at once", "unit"}}
			for _, v := range views {
				t.add(v.Name, v.Program, strings.Trim(fmt.Sprint(v.Rungs), "[]"), v.Slots, v.Unit)
			}
			t.write(a.stdout)
			return nil
		},
	}
	a.jsonFlag(list)
	cp := &cobra.Command{
		Use:   "copy NAME DIR",
		Short: "Copy a recipe and its programs into a folder, to change them",
		Long: `Copy writes the recipe NAME as DIR/train.toml, and beside it the files that it names.
Then [accuracy] evaluator = "DIR/train.toml" in a config takes yours. It overwrites
nothing.`,
		Example: `  nas evaluator copy torch-folder my-training`,
		Args:    cobra.ExactArgs(2),
		RunE:    func(_ *cobra.Command, args []string) error { return a.copyEvaluator(args[0], args[1]) },
	}
	cmd.AddCommand(list, cp)
	return cmd
}

// listedEvaluator is a row of nas evaluator list.
type listedEvaluator struct {
	Name    string `json:"name"`
	Program string `json:"program"`
	Rungs   []int  `json:"rungs"` // total epochs
	Slots   int    `json:"slots"`
	Unit    string `json:"unit"`
}

func listedEvaluators() ([]listedEvaluator, error) {
	var out []listedEvaluator
	for _, name := range evaluators.Names() {
		r, err := training.Load(name)
		if err != nil {
			return nil, err
		}
		s := r.Spec()
		out = append(out, listedEvaluator{name, strings.Trim(s.Command[0], "{}"), s.Rungs, len(s.Slots), s.Unit})
	}
	return out, nil
}

// copyEvaluator writes the files of a shipped recipe into a folder.
func (a *app) copyEvaluator(name, dir string) error {
	if !slices.Contains(evaluators.Names(), name) {
		return config.Usagef("there is no recipe %q: want one of %s", name, strings.Join(evaluators.Names(), ", "))
	}
	r, err := training.Load(name)
	if err != nil {
		return err
	}
	files := append([]string{evaluators.RecipeFile}, r.Spec().Files...)
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f)); err == nil {
			return config.Usagef("%s is there already: give another folder, or move it away", filepath.Join(dir, f))
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		b, err := fs.ReadFile(evaluators.Folder(name), f)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f), b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	a.printf("%s: %s\n", dir, strings.Join(files, ", "))
	a.printf("in a config: [accuracy] evaluator = %q\n", filepath.ToSlash(filepath.Join(dir, evaluators.RecipeFile)))
	return nil
}
