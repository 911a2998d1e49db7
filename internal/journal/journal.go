// Package journal keeps the outcomes of tasks that a run cannot use yet: trials are stored in the order of their ids,
// and results arrive in any. An outcome counts once it is in the journal, and is on the disk by then.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/tasks"
)

// FileName is the name of the journal in the directory of a run.
const FileName = "outcomes.jsonl"

// compactAt is the length of what is no longer needed, in bytes, from which the file is written anew.
const compactAt = 64 << 20

// Journal is the open journal of a run, whose directory the caller has locked. It is safe for concurrent use.
type Journal struct {
	// Damaged is how many lines could not be read when the journal was opened. What they held is done again.
	Damaged int

	mu       sync.Mutex
	path     string
	file     *os.File
	size     int64
	dead     int64 // bytes of outcomes that were dropped
	outcomes map[string]tasks.Outcome
	handed   map[string]bool
	buf      []byte
	broken   error
}

// line is what a line holds: an outcome, or the keys of tasks that were handed out.
type line struct {
	Outcome *tasks.Outcome `json:"outcome,omitempty"`
	Handed  []string       `json:"handed,omitempty"`
}

// Open opens the journal of the run in dir, or makes it. run is the id of its setup: outcomes of others are left out.
func Open(dir, run string) (*Journal, error) {
	j := &Journal{path: filepath.Join(dir, FileName), outcomes: map[string]tasks.Outcome{}, handed: map[string]bool{}}
	f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fault.Errorf("journal: %w", err)
	}
	j.file = f
	if err := j.read(run); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// maxJournal is how many bytes a journal may have: some millions of outcomes.
const maxJournal = 4 << 30

// read reads the file. A last line that was cut short is overwritten by the next one.
func (j *Journal) read(run string) error {
	data, err := boundedfile.Read(j.path, maxJournal)
	if err != nil {
		return fault.Errorf("journal: %w", err)
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	if len(bytes.Trim(data[end:], "\x00")) > 0 {
		j.Damaged++
	}
	j.size = int64(end)
	for text := range bytes.Lines(data[:end]) {
		var l line
		if json.Unmarshal(text, &l) != nil {
			j.Damaged++
			continue
		}
		for _, key := range l.Handed {
			j.handed[key] = true
		}
		if l.Outcome == nil {
			continue
		}
		sealed, err := json.Marshal(l.Outcome)
		if err != nil {
			return err
		}
		o, err := tasks.ParseOutcome(sealed)
		switch {
		case err != nil:
			j.Damaged++
		case o.Run == run:
			j.outcomes[o.Key()] = o
		}
	}
	if err := j.file.Truncate(j.size); err != nil {
		return fault.Errorf("journal: cannot repair the end of %s: %w: restore the file", j.path, err)
	}
	return nil
}

// Add stores outcomes and returns when they are on the disk. Of two outcomes of one task the first counts. After an
// error none of them is kept.
func (j *Journal) Add(outcomes ...tasks.Outcome) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var added []string
	var lines []line
	for i := range outcomes {
		key := outcomes[i].Key()
		if _, known := j.outcomes[key]; known {
			continue
		}
		j.outcomes[key] = outcomes[i]
		added = append(added, key)
		lines = append(lines, line{Outcome: &outcomes[i]})
	}
	err := j.write(lines)
	if err != nil {
		for _, key := range added {
			delete(j.outcomes, key)
		}
	}
	return err
}

// Hand notes tasks that were handed out.
func (j *Journal) Hand(keys ...string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(keys) == 0 {
		return nil
	}
	if err := j.write([]line{{Handed: keys}}); err != nil {
		return err
	}
	for _, key := range keys {
		j.handed[key] = true
	}
	return nil
}

func (j *Journal) write(lines []line) error {
	if j.broken != nil || len(lines) == 0 {
		return j.broken
	}
	j.buf = j.buf[:0]
	for _, l := range lines {
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		j.buf = append(append(j.buf, text...), '\n')
	}
	_, err := j.file.WriteAt(j.buf, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		if e := j.file.Truncate(j.size); e != nil {
			j.broken = fault.Errorf("journal: %s cannot be written: %w", j.path, e)
		}
		return fault.Errorf("journal: outcomes were not stored, all before are safe: free some space: %w", err)
	}
	j.size += int64(len(j.buf))
	return nil
}

// Get returns the outcome of a task.
func (j *Journal) Get(key string) (tasks.Outcome, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o, ok := j.outcomes[key]
	return o, ok
}

// Handed tells whether a task was handed out.
func (j *Journal) Handed(key string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.handed[key]
}

// Len is the number of outcomes.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.outcomes)
}

// Drop forgets tasks whose results are stored elsewhere. From time to time the file is written anew without them.
func (j *Journal) Drop(keys ...string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.drop(keys)
}

// DropTold is Drop for the evaluations of the first n trials.
func (j *Journal) DropTold(n int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var keys []string
	for key, o := range j.outcomes {
		if o.Kind == tasks.Evaluate && o.Trial < n {
			keys = append(keys, key)
		}
	}
	for key := range j.handed {
		if trial, err := strconv.Atoi(key); err == nil && trial < n {
			keys = append(keys, key)
		}
	}
	return j.drop(keys)
}

func (j *Journal) drop(keys []string) error {
	for _, key := range keys {
		if o, ok := j.outcomes[key]; ok {
			j.dead += int64(len(o.Result)) + 300 // about the length of its line
			delete(j.outcomes, key)
		}
		delete(j.handed, key)
	}
	if j.dead < compactAt || j.dead < j.size/2 {
		return nil
	}
	return j.compact()
}

// compact writes the file anew.
func (j *Journal) compact() error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, o := range j.outcomes {
		if err := e.Encode(line{Outcome: &o}); err != nil {
			return err
		}
	}
	if keys := keysOf(j.handed); len(keys) > 0 {
		if err := e.Encode(line{Handed: keys}); err != nil {
			return err
		}
	}
	if err := atomicfile.WriteFile(j.path, b.Bytes()); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_RDWR, 0)
	if err != nil {
		j.broken = fault.Errorf("journal: %w", err)
		return j.broken
	}
	j.file.Close()
	j.file, j.size, j.dead = f, int64(b.Len()), 0
	return nil
}

func keysOf(m map[string]bool) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// Remove closes the journal of a run that is over, and removes its file.
func (j *Journal) Remove() error {
	j.mu.Lock()
	clear(j.outcomes)
	clear(j.handed)
	j.mu.Unlock()
	return j.Close()
}

// Close closes the file. If nothing is left in the journal, it removes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.file.Close()
	if j.broken == nil && len(j.outcomes) == 0 && len(j.handed) == 0 {
		err = errors.Join(err, os.Remove(j.path))
	}
	return err
}
