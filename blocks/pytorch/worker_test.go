package pytorch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// torchWorker is a Python process that runs modules in PyTorch; see testdata/check.py. Importing torch takes seconds,
// so all tests share one process. It ends with the test binary, which closes its standard input.
type torchWorker struct {
	python string // the program
	mutex  sync.Mutex
	in     io.Writer
	out    *bufio.Reader
	stderr bytes.Buffer
}

// startTorch starts a Python that has torch and numpy: $NAS_PYTHON, or python3.
var startTorch = sync.OnceValues(func() (*torchWorker, error) {
	candidates := []string{"python3", "/usr/bin/python3"}
	if wanted := os.Getenv("NAS_PYTHON"); wanted != "" {
		candidates = []string{wanted}
	}
	var why error
	for _, p := range candidates {
		w := &torchWorker{python: p}
		cmd := exec.Command(p, "-B", filepath.Join("testdata", "check.py"))
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		cmd.Stderr = &w.stderr
		if err = cmd.Start(); err == nil {
			w.in, w.out = in, bufio.NewReader(out)
			if _, _, err = w.tell("check", []job{}); err == nil {
				return w, nil
			}
			cmd.Wait()
			err = fmt.Errorf("%w: %.2000s", err, w.stderr.Bytes())
		}
		if why == nil || !noTorch(err) {
			why = err
		}
	}
	return nil, why
})

// noTorch reports whether a Python could not be started because there is none, or none with the modules.
func noTorch(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), "No module named")
}

// torch returns the process, or skips the test if there is none.
func torch(t *testing.T) *torchWorker {
	t.Helper()
	w, err := startTorch()
	if err == nil {
		return w
	}
	if wanted := os.Getenv("NAS_PYTHON"); wanted != "" || !noTorch(err) {
		t.Fatalf("a Python with torch and numpy (NAS_PYTHON is %q) does not run check.py: %v", wanted, err)
	}
	t.Skip("skipped: no Python with torch and numpy, so exported modules are not run " +
		"(Debian: apt install python3-torch; or set NAS_PYTHON)")
	return nil
}

// tell has the process do something with jobs. It returns torch's version and the results, an array.
func (w *torchWorker) tell(what string, jobs []job) (version string, results json.RawMessage, err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	list, err := json.Marshal(jobs)
	if err != nil {
		return "", nil, err
	}
	if _, err := fmt.Fprintf(w.in, "%s %s\n", what, list); err != nil {
		return "", nil, err
	}
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return "", nil, err
	}
	var answer struct {
		Torch   string
		Results json.RawMessage
	}
	err = json.Unmarshal(line, &answer)
	return answer.Torch, answer.Results, err
}

// ask is tell with the results in the slice that results points to.
func (w *torchWorker) ask(t *testing.T, what string, jobs []job, results any) (version string) {
	t.Helper()
	version, list, err := w.tell(what, jobs)
	if err == nil {
		err = json.Unmarshal(list, results)
	}
	if err != nil {
		t.Fatalf("check.py: %v\n%.4000s", err, w.stderr.Bytes())
	}
	return version
}
