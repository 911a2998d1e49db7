//go:build !unix

package images

import "os"

// mapFile returns the contents of a file.
func mapFile(path string) ([]byte, error) { return os.ReadFile(path) }
