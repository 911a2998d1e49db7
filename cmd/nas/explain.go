package main

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// explain is an error for a person: without the names of packages, and with a
// way out where the system's own words have none.
func explain(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = withoutPackage(lines[i])
	}
	message := strings.Join(lines, "\n")
	var file *fs.PathError
	if !errors.As(err, &file) {
		return message
	}
	cure := ""
	switch {
	case errors.Is(file, syscall.EISDIR):
		cure = file.Path + " is a directory: give the path of a file"
	case errors.Is(file, fs.ErrPermission):
		cure = file.Path + ": permission denied: allow it with chmod, or run as the file's owner"
	case errors.Is(file, syscall.ENOSPC):
		cure = file.Path + ": the disk is full: free some space and try again"
	case errors.Is(file, fs.ErrNotExist) && file.Op == "open":
		cure = "there is no " + file.Path
	default:
		return message
	}
	message = strings.Replace(message, file.Error(), cure, 1)
	return strings.ReplaceAll(message, file.Path+": "+file.Path, file.Path)
}

// packages are names that stand in front of errors and tell a person nothing.
var packages = []string{"accuracy", "audit", "blocks", "config", "evaluator", "feedback", "improve", "latency",
	"netfile", "onnx", "pytorch", "results", "run", "runstore", "space", "zoo"}

func withoutPackage(message string) string {
	for _, p := range packages {
		message = strings.ReplaceAll(message, ": "+p+": ", ": ")
	}
	for again := true; again; {
		again = false
		for _, p := range packages {
			if rest, ok := strings.CutPrefix(message, p+": "); ok {
				message, again = rest, true
			}
		}
	}
	return message
}
