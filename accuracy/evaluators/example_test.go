package evaluators_test

import (
	"fmt"
	"io/fs"
	"strings"

	"nas/accuracy/evaluators"
)

func Example() {
	for _, name := range evaluators.Names() {
		text, err := fs.ReadFile(evaluators.Folder(name), evaluators.RecipeFile)
		if err == nil && strings.Contains(string(text), "rungs     = [1, 6]") {
			fmt.Println(name)
		}
	}
	// Output:
	// builtin
	// torch-cpu
}
