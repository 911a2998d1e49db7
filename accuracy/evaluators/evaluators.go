// Package evaluators holds the evaluator recipes that come with the program: how to train a network with other
// people's programs, as package nas/accuracy/training reads it. Each is a folder with a recipe and what it starts.
package evaluators

import "embed"

// RecipeFile is the name of the recipe in each folder.
const RecipeFile = "train.toml"

// Files holds a folder for each recipe.
//
//go:embed */*
var Files embed.FS

// Names lists the recipes.
func Names() []string {
	entries, err := Files.ReadDir(".")
	if err != nil {
		panic("evaluators: " + err.Error()) // it is part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}
