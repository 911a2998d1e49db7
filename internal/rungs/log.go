package rungs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"nas/accuracy/training"
	"nas/internal/boundedfile"
	"nas/internal/fault"
)

// Entry is a rung that was trained, as a line of a log.
type Entry struct {
	ArchID string `json:"arch_id"`
	Arch   string `json:"arch,omitempty"`
	Rung   int    `json:"rung"`
	Epochs int    `json:"epochs"`
	Seed   uint64 `json:"seed"`
	// Key names all else that the value depends on: the recipe and the data.
	Key string `json:"key"`
	training.Outcome
}

type logKey struct {
	archID string
	rung   int
	seed   uint64
	key    string
}

func (e *Entry) name() logKey { return logKey{e.ArchID, e.Rung, e.Seed, e.Key} }

// Log remembers trained rungs: in a file of the run, so that a run which is resumed trains nothing twice, and in one
// that all runs share. Its methods may be called at the same time.
type Log struct {
	mu     sync.Mutex
	known  map[logKey]training.Outcome
	run    *os.File
	own    map[logKey]bool // what is in the run's file
	shared string          // a path; "" for none
}

// OpenLog opens the log of a run, and takes what another file knows, too: shared, "" for none. A last line that a crash
// cut short is removed from the run's.
func OpenLog(path, shared string) (*Log, error) {
	l := &Log{known: map[logKey]training.Outcome{}, shared: shared}
	if shared != "" {
		l.read(shared) // what cannot be read is trained again
	}
	l.own = map[logKey]bool{}
	whole, err := l.read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Errorf("rungs: %w", err)
	}
	if l.run, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, fault.Errorf("rungs: %w", err)
	}
	if err = l.run.Truncate(whole); err == nil {
		_, err = l.run.Seek(whole, io.SeekStart)
	}
	if err != nil {
		l.run.Close()
		return nil, fault.Errorf("rungs: cannot repair the end of %s: %w: restore the file", path, err)
	}
	return l, nil
}

// longestEntry bounds a line, in bytes.
const longestEntry = 4 << 20

// read takes the entries of a file, and returns how many of its bytes are whole lines. A damaged line is passed over:
// its rung is trained again.
func (l *Log) read(path string) (whole int64, err error) {
	for line, err := range lines(path) {
		if err != nil {
			return whole, err
		}
		whole += int64(len(line))
		var e Entry
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		l.known[e.name()] = e.Outcome
		if l.own != nil {
			l.own[e.name()] = true
		}
	}
	return whole, nil
}

// Entries yields the entries of a log. It passes over damaged lines, whose rungs are trained again. An error is the
// last that it yields, and says why the file cannot be read on.
func Entries(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for line, err := range lines(path) {
			var e Entry
			if err == nil && json.Unmarshal(line, &e) != nil {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// lines yields the whole lines of a file. An error is the last that it yields.
func lines(path string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f, err := boundedfile.Open(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		r := bufio.NewReaderSize(f, 64<<10)
		for {
			line, err := readLine(r)
			if err == io.EOF { // what is left has no end
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// readLine reads a line with its end; [io.EOF] for one without.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); err == nil {
			return line, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > longestEntry {
			return line, fault.Errorf("rungs: a line is longer than %d bytes", longestEntry)
		}
	}
}

// Known returns the outcome of a rung that was trained. One that the run's file does not hold is added to that.
func (l *Log) Known(e Entry) (o training.Outcome, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o, ok = l.known[e.name()]; ok && !l.own[e.name()] {
		e.Outcome = o
		_, err = l.append(e)
	}
	return o, ok, err
}

// Add records a rung, and returns when it is on the disk.
func (l *Log) Add(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	line, err := l.append(e)
	if err == nil {
		l.share(line)
	}
	return err
}

// append writes an entry to the run's file.
func (l *Log) append(e Entry) (line []byte, err error) {
	if line, err = json.Marshal(e); err != nil {
		return nil, fault.Errorf("rungs: %w", err)
	}
	line = append(line, '\n')
	if _, err = l.run.Write(line); err == nil {
		err = l.run.Sync()
	}
	if err != nil {
		return nil, fault.Errorf("rungs: a training was not recorded: free some space and continue with --resume: %w", err)
	}
	l.known[e.name()], l.own[e.name()] = e.Outcome, true
	return line, nil
}

// share appends a line to the shared file. Nothing is lost if it cannot be written. A line that another process was cut
// off in is ended first.
func (l *Log) share(line []byte) {
	if l.shared == "" || os.MkdirAll(filepath.Dir(l.shared), 0o755) != nil {
		return
	}
	f, err := os.OpenFile(l.shared, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && !bytes.Equal(last, []byte("\n")) {
			line = append([]byte("\n"), line...)
		}
	}
	f.Write(line)
}

// Close closes the run's file.
func (l *Log) Close() error { return l.run.Close() }
