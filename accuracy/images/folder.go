package images

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nas/blocks"
	"nas/internal/fault"
)

// endings are those of files that are images.
var endings = []string{".png", ".jpg", ".jpeg"}

// file is an image of a folder.
type file struct {
	path string
	size int64
	time int64 // of its last change
}

// rootOf is the folder of a part, which holds those of the classes. Where there is no folder train, that of the set
// holds the classes to train on.
func rootOf(dir, part string) string {
	if part == "train" && !exists(dir, "train") {
		return dir
	}
	return filepath.Join(dir, part)
}

// isFolder also tells so of one that cannot be read, which says more than that nothing is known here.
func isFolder(dir string) bool {
	names, err := classNames(dir)
	return err != nil || len(names) > 0
}

func hasValFolder(dir string) bool { return exists(dir, "val") }

// maxDepth bounds the folders within each other below that of a class.
const maxDepth = 16

// folders lists those of the classes of a part, in the order of their names, and with images or not.
func folders(dir, part string) (names []string, err error) {
	root := rootOf(dir, part)
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fault.Errorf("images: %s cannot be read: %w", root, why(err))
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || root == dir && (e.Name() == "val" || e.Name() == "test") {
			continue
		}
		if info, err := os.Stat(filepath.Join(root, e.Name())); err == nil && info.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// walk calls f for each image of a class, in the order of their paths. f may return [filepath.SkipAll]. The folder of a
// class may be a link, those within it are not followed.
func walk(root, class string, f func(file) error) error {
	dir, err := filepath.EvalSymlinks(filepath.Join(root, class))
	if err != nil {
		return fault.Errorf("images: %s cannot be read: %w", filepath.Join(root, class), why(err))
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fault.Errorf("images: %s cannot be read: %w", path, why(err))
		}
		below, _ := filepath.Rel(dir, path)
		path = filepath.Join(root, class, below) // the name that the user knows
		if d.IsDir() && strings.Count(below, string(filepath.Separator)) >= maxDepth {
			return fault.Errorf("images: %s lies more than %d folders below that of its class: move it up, or take it out", path,
				maxDepth)
		}
		if d.IsDir() || !slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
			return nil
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return f(file{path, info.Size(), info.ModTime().UnixNano()})
		}
		return nil
	})
}

// classNames lists the classes of a set in the order of their labels: the folders to train on that hold an image.
func classNames(dir string) (names []string, err error) {
	all, err := folders(dir, "train")
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		some := false
		if err := walk(rootOf(dir, "train"), name, func(file) error { some = true; return filepath.SkipAll }); err != nil {
			return nil, err
		}
		if some {
			names = append(names, name)
		}
	}
	return names, nil
}

func readFolder(dir, part string, o Options, want func(n int) []int32) (*source, error) {
	root := rootOf(dir, part)
	classes, err := classNames(dir)
	if err != nil {
		return nil, err
	}
	names, err := folders(dir, part)
	if err != nil {
		return nil, err
	}
	var files []file
	var labels []uint16
	for _, name := range names {
		class := slices.Index(classes, name)
		err := walk(root, name, func(f file) error {
			if class < 0 || class >= 1<<16 {
				return fault.Errorf("images: %s is of class %q, which is none of the first 65,536 of %s: want the same names of "+
					"folders in both, or take it out", f.path, name, rootOf(dir, "train"))
			}
			files, labels = append(files, f), append(labels, uint16(class))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fault.Errorf("images: %s has no .png, .jpg or .jpeg files in folders named as the classes", root)
	}
	if err := checkRoom(root, o.Shape, len(files)); err != nil {
		return nil, err
	}
	out := &source{shape: o.Shape, classes: len(classes), rows: want(len(files))}
	if out.pixels, err = decoded(files, o.Shape); err != nil {
		return nil, err
	}
	out.at = out.rows
	for _, row := range out.rows {
		out.labels = append(out.labels, labels[row])
	}
	return out, out.check(root)
}

// decoded returns the pixels of all files: from a file of the cache, or decoded and put there.
func decoded(files []file, s blocks.Shape) ([]byte, error) {
	h := sha256.New()
	for _, f := range files {
		abs, err := filepath.Abs(f.path)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(h, "%s %d %d\n", abs, f.size, f.time)
	}
	key := fmt.Sprintf("%s-%v", hex.EncodeToString(h.Sum(nil)[:8]), s)
	if pixels := cached(key, len(files)*s.Elems()); pixels != nil {
		return pixels, nil
	}
	pixels := make([]byte, len(files)*s.Elems())
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, len(files))
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				errs[i] = decode(pixels[i*s.Elems():][:s.Elems()], files[i].path, s)
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	keep(key, pixels)
	return pixels, nil
}
