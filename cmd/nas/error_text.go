package main

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"nas/internal/fault"
)

// errorText is the text of an error for a person: without the names of packages, and
// with a remedy where the system's own text has none.
func errorText(err error) string {
	message := fault.Text(err)
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
