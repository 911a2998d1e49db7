// Package evaluators holds the evaluator recipes that come with the program: how to train a network with other
// people's programs, as package nas/accuracy/training reads it. Each is a folder with a recipe and what it starts.
package evaluators

import (
	"embed"
	"errors"
	"io/fs"
	"path"
)

// RecipeFile is the name of the recipe in each folder.
const RecipeFile = "train.toml"

//go:embed */*
var files embed.FS

// program is the folder of the training program that others start, too.
const program = "torch-folder"

// Names lists the recipes.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("evaluators: " + err.Error()) // it is part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// folder is that of a recipe. Of train.py and task.py, what a folder does not have is that of torch-folder.
type folder string

// Open implements [fs.FS].
func (f folder) Open(name string) (fs.File, error) {
	file, err := files.Open(path.Join(string(f), name))
	if errors.Is(err, fs.ErrNotExist) && (name == "train.py" || name == "task.py") {
		return files.Open(path.Join(program, name))
	}
	return file, err
}

// Folder returns the files that a recipe names, and the recipe itself as [RecipeFile]. Of a name that [Names] does not
// list it is empty.
func Folder(name string) fs.FS { return folder(name) }
