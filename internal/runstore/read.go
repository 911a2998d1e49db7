package runstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/search"
)

// maxLine bounds a line of trials.jsonl, so that a damaged file cannot ask for
// all memory.
const maxLine = 16 << 20

// ReadManifest reads the manifest of the run in dir without locking it.
func ReadManifest(dir string) (Manifest, error) { return readManifest(dir) }

// ReadTrials yields the trials of the run in dir in id order without locking it;
// the run may be in progress. A last line without a newline is left out. The
// iteration ends with the first error, which names file and line.
func ReadTrials(dir string) iter.Seq2[search.Trial, error] {
	return readFile(dir, wholeTrial)
}

// wholeTrial is [ParseTrial] for [readLines].
func wholeTrial(line []byte, _ location) (search.Trial, int, error) {
	t, err := ParseTrial(line)
	return t, t.ID, err
}

// location is the file and the number of a line.
type location struct {
	path string
	n    int // 0 for the first
}

func (at location) damaged(err error) error {
	return fault.Errorf("runstore: %s line %d is damaged "+
		"(restore it, or cut the file before it to lose it and what follows): %w", at.path, at.n+1, err)
}

// readFile yields what parse makes of the whole lines of the trials in dir.
func readFile[T any](dir string, parse func([]byte, location) (T, int, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		path := filepath.Join(dir, TrialsFile)
		f, err := boundedfile.Open(path)
		if err != nil {
			yield(none, fault.Errorf("runstore: %w", err))
			return
		}
		defer f.Close()
		size, err := wholeLines(f)
		if err != nil {
			yield(none, fault.Errorf("runstore: %s: %w", path, err))
			return
		}
		readLines(io.NewSectionReader(f, 0, size), path, parse)(yield)
	}
}

// readLines yields what parse makes of the lines of r, each of which must end with a
// newline. The ids that parse returns must count up from 0.
func readLines[T any](r io.Reader, path string, parse func([]byte, location) (T, int, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		in := bufio.NewReaderSize(r, 1<<16)
		var long []byte
		for n := 0; ; n++ {
			line, err := in.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				long = append(long[:0], line...)
				for errors.Is(err, bufio.ErrBufferFull) && len(long) <= maxLine {
					line, err = in.ReadSlice('\n')
					long = append(long, line...)
				}
				line = long
			}
			if err == io.EOF && len(line) == 0 {
				return
			}
			at := location{path, n}
			var t T
			switch {
			case len(line) > maxLine:
				err = fmt.Errorf("is longer than %d bytes", maxLine)
			case err != nil && err != io.EOF:
			default:
				var id int
				if t, id, err = parse(line, at); err == nil && id != n {
					err = fmt.Errorf("holds trial %d where trial %d comes next", id, n)
				}
			}
			if err != nil {
				yield(none, at.damaged(err))
				return
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// wholeLines returns the length of f up to and including its last newline. Some
// file systems leave zeros behind after a power cut; they hold no newline, so
// they fall away with the line that was cut short.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var buf [1 << 14]byte
	for end := info.Size(); end > 0; {
		begin := max(0, end-int64(len(buf)))
		chunk := buf[:end-begin]
		if _, err := f.ReadAt(chunk, begin); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}
