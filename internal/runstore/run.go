package runstore

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"nas/internal/atomicfile"
	"nas/internal/fault"
	"nas/search"
)

// ExistsError says that a directory already holds a run. The user has to decide.
type ExistsError struct{ Dir string }

// Error says what the user can do.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("runstore: %s already holds a run: "+
		"continue it with --resume, give another directory with --out, or delete it", e.Dir)
}

// lockedError says that another process works on the directory.
type lockedError struct{ Dir string }

// Error names the directory.
func (e *lockedError) Error() string {
	return fmt.Sprintf("runstore: another process is working on %s: "+
		"wait until it has ended", e.Dir)
}

var errLocked = errors.New("locked")

// Run is a run directory that this process may write to. It is a [search.Sink];
// its methods must not be called concurrently.
type Run struct {
	dir      string
	manifest Manifest
	lock     *os.File
	trials   *os.File
	size     int64 // of the trials that are safe
	buf      []byte
	broken   error    // set once the file could not be restored after a failed write
	made     []string // directories, inner ones first
	claimed  bool     // and not begun
}

// Exists is the error for a directory that holds a run where a new one was to be made: an [*ExistsError],
// or one that says that another process is working on it.
func Exists(dir string) error {
	r := &Run{dir: dir}
	defer r.unlock()
	var locked *lockedError
	if err := r.acquire(0); errors.As(err, &locked) {
		return err
	}
	return &ExistsError{dir}
}

// Claim makes dir and locks it for a new run, which [Run.Begin] writes. If dir holds a run, Claim leaves it as
// it is and returns the error of [Exists].
func Claim(dir string) (_ *Run, err error) {
	if Holds(dir) {
		return nil, Exists(dir)
	}
	if err := foreign(dir); err != nil {
		return nil, err
	}
	r := &Run{dir: dir, claimed: true}
	defer func() {
		if err != nil {
			r.unlock()
		}
	}()
	for up := filepath.Clean(dir); !isDir(up) && up != filepath.Dir(up); up = filepath.Dir(up) {
		r.made = append(r.made, up)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.Errorf("runstore: %w", err)
	}
	if err := r.acquire(os.O_CREATE); err != nil {
		return nil, err
	}
	if Holds(dir) { // made while we waited for the lock
		return nil, &ExistsError{dir}
	}
	return r, nil
}

// Begin writes a new run into its claimed directory. config and profile are the bytes of the resolved
// configuration and of the latency profile; a nil profile is left out. The manifest is written last: a
// directory that a crash left without one holds no run.
func (r *Run) Begin(m Manifest, config, profile []byte) error {
	if err := atomicfile.WriteFile(r.Path(ConfigFile), config); err != nil {
		return err
	}
	if profile != nil {
		if err := atomicfile.WriteFile(r.Path(ProfileFile), profile); err != nil {
			return err
		}
	}
	if err := r.open(os.O_CREATE | os.O_TRUNC); err != nil {
		return err
	}
	if err := r.SetManifest(m); err != nil {
		return err
	}
	r.claimed = false
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Resume opens the run in dir and locks it. A last line of trials.jsonl that a
// crash cut short is removed. The error is [os.ErrNotExist] if dir holds no run,
// and another error if another process works on it.
func Resume(dir string) (_ *Run, err error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{dir: dir, manifest: m}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if err = r.acquire(os.O_CREATE); err != nil {
		return nil, err
	}
	if err = r.open(os.O_CREATE); err != nil {
		return nil, err
	}
	if r.size, err = wholeLines(r.trials); err != nil {
		return nil, fault.Errorf("runstore: %s: %w", r.Path(TrialsFile), err)
	}
	if err = r.trials.Truncate(r.size); err != nil {
		return nil, fault.Errorf("runstore: cannot repair the end of %s: %w: restore the file", r.Path(TrialsFile), err)
	}
	return r, nil
}

// Holds reports whether dir holds a run.
func Holds(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, ManifestFile))
	return err == nil
}

// acquire takes the lock of the directory. Its file is made if flag says so.
func (r *Run) acquire(flag int) error {
	for {
		f, err := os.OpenFile(r.Path(lockFile), os.O_RDWR|flag, 0o644)
		if err != nil {
			return fault.Errorf("runstore: %w", err)
		}
		r.lock = f
		switch err := lock(f); {
		case errors.Is(err, errLocked):
			return &lockedError{r.dir}
		case err != nil:
			return fault.Errorf("runstore: cannot lock %s: %w", r.dir, err)
		}
		held, err := f.Stat()
		if there, e := os.Stat(r.Path(lockFile)); err == nil && e == nil && os.SameFile(held, there) {
			return nil
		}
		f.Close() // the process that had the lock has removed its file
	}
}

// unlock gives the lock back.
func (r *Run) unlock() (err error) {
	if r.lock != nil {
		err = r.lock.Close()
	}
	r.lock = nil
	return err
}

func (r *Run) open(flag int) error {
	f, err := os.OpenFile(r.Path(TrialsFile), os.O_RDWR|flag, 0o644)
	if err != nil {
		return fault.Errorf("runstore: %w", err)
	}
	r.trials = f
	return nil
}

// Dir returns the directory.
func (r *Run) Dir() string { return r.dir }

// Path returns the path of a file of the run.
func (r *Run) Path(name string) string { return filepath.Join(r.dir, name) }

// Manifest returns the manifest as it was last written or read.
func (r *Run) Manifest() Manifest { return r.manifest }

// SetManifest replaces the manifest, atomically.
func (r *Run) SetManifest(m Manifest) error {
	if err := writeManifest(r.dir, &m); err != nil {
		return err
	}
	r.manifest = m
	return nil
}

// Append stores trials and returns when they are on the disk. After an error
// none of the batch is kept, all trials before it are, and the run can be
// resumed. It implements [search.Sink].
func (r *Run) Append(batch []search.Trial) error {
	if r.broken != nil {
		return r.broken
	}
	r.buf = r.buf[:0]
	for i := range batch {
		r.buf = AppendTrial(r.buf, &batch[i])
	}
	_, err := r.trials.WriteAt(r.buf, r.size)
	if err == nil {
		err = r.trials.Sync()
	}
	if err != nil {
		// Resume would drop a cut line as well, but not whole lines of a batch
		// that was reported as lost.
		if e := r.trials.Truncate(r.size); e != nil {
			r.broken = fault.Errorf("runstore: %s cannot be written: %w", r.Path(TrialsFile), e)
		}
		return fault.Errorf("runstore: trials from %d on were not stored, all before are safe: "+
			"free some space and continue with --resume: %w", batch[0].ID, err)
	}
	r.size += int64(len(r.buf))
	return nil
}

// Trials yields the stored trials in id order. They are read from the disk one
// at a time. The iteration ends with the first error, which names file and line.
func (r *Run) Trials() iter.Seq2[search.Trial, error] {
	return readLines(io.NewSectionReader(r.trials, 0, r.size), r.Path(TrialsFile), wholeTrial)
}

// Close unlocks the directory. Trials that were appended are on the disk already. Of a run that was not
// begun it leaves nothing behind.
func (r *Run) Close() error {
	var err error
	if r.lock != nil && !Holds(r.dir) {
		if r.claimed { // nothing of these names was there
			for _, name := range []string{ConfigFile, ProfileFile, ScaleFile, TrialsFile} {
				os.Remove(r.Path(name))
			}
		}
		os.Remove(r.Path(lockFile))
		for _, dir := range r.made {
			os.Remove(dir) // unless it holds something by now
		}
	}
	if r.trials != nil {
		err = r.trials.Close()
	}
	r.trials = nil
	return errors.Join(err, r.unlock())
}
