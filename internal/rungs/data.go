package rungs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// hashedBytes is the size of a data set up to which its contents are hashed, and not only its names and sizes.
const hashedBytes = 256 << 20

// dataIDs remembers the hash of a folder while the program runs.
var dataIDs sync.Map

// DataID returns 16 hex digits that tell a data set from another: a hash of the names and sizes of its files and, where
// they are no more than 256 MB together, of their contents. "" is that of no data.
func DataID(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	if id, ok := dataIDs.Load(path); ok {
		return id.(string), nil
	}
	h := sha256.New()
	var files []string
	total := int64(0)
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(p) // of what a link leads to
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		rel, _ := filepath.Rel(root, p)
		fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(rel), info.Size())
		files = append(files, p)
		total += info.Size()
		return nil
	})
	for i := 0; i < len(files) && total <= hashedBytes && err == nil; i++ {
		var f *os.File
		if f, err = os.Open(files[i]); err == nil {
			_, err = io.Copy(h, f)
			f.Close()
		}
	}
	if err != nil {
		return "", err
	}
	id := hex.EncodeToString(h.Sum(nil)[:8])
	dataIDs.Store(path, id)
	return id, nil
}
