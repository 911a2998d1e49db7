package images

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"

	"nas/internal/atomicfile"
)

// Decoded images are kept in a folder of the user's cache, so that other trainings need not decode them. A file is the
// pixels of all images and their SHA-256. What cannot be kept is decoded again.

// cachePath is the file of a key; "" where the system has no folder for it.
func cachePath(key string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "nas", "images", key)
}

// cached returns n bytes of pixels, nil if they are not there or damaged.
func cached(key string, n int) []byte {
	path := cachePath(key)
	if path == "" {
		return nil
	}
	data, err := mapFile(path)
	if err != nil || len(data) != n+sha256.Size {
		return nil
	}
	if sum := sha256.Sum256(data[:n]); !bytes.Equal(sum[:], data[n:]) {
		return nil
	}
	return data[:n:n]
}

// keep writes pixels to the cache.
func keep(key string, pixels []byte) {
	path := cachePath(key)
	if path == "" || os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	sum := sha256.Sum256(pixels)
	atomicfile.Write(path, func(w io.Writer) error { // decoded again if it fails
		if _, err := w.Write(pixels); err != nil {
			return err
		}
		_, err := w.Write(sum[:])
		return err
	})
}
