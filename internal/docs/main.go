// Docs writes the reference of the config file from the types that it is decoded
// into: names, types and meanings from their source, defaults and what is allowed
// from the decoder itself, which is asked. The list of ONNX operators comes from the
// reader's.
//
//	go run ./internal/docs           from the top of the module: writes docs/space.md, docs/config.md and docs/onnx.md
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	pages, err := render(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join("docs", name), text, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "docs:", err)
			os.Exit(1)
		}
	}
}
