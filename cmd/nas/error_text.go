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
	case errors.Is(file, syscall.EFBIG):
		cure = file.Path + ": the file would be larger than this process or the file system allows: raise the limit " +
			"(ulimit -f), or give a path on another one"
	case errors.Is(file, syscall.ENXIO):
		cure = file.Path + " is a device that is not there, or a pipe without its other end: give the path of a file"
	case errors.Is(file, syscall.ENAMETOOLONG):
		cure = file.Path + ": no file has so long a name: give the path of a file"
	case errors.Is(file, syscall.ELOOP):
		cure = file.Path + " is a link that leads to itself: give the path of a file"
	case errors.Is(file, syscall.ENOTDIR):
		cure = file.Path + ": a part of the path is a file, not a directory"
	case errors.Is(file, syscall.EROFS):
		cure = file.Path + ": this file system is read-only: give a path on another one"
	case errors.Is(file, syscall.EMFILE):
		cure = file.Path + ": this process may open no more files: raise the limit (ulimit -n)"
	case errors.Is(file, fs.ErrNotExist) && file.Op == "open":
		cure = "there is no " + file.Path
	default:
		return message
	}
	message = strings.Replace(message, file.Error(), cure, 1)
	return strings.ReplaceAll(message, file.Path+": "+file.Path, file.Path)
}
