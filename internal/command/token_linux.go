package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// endWithParent has the kernel end the program when this process ends, however it does.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

// endToken ends all processes that were started with a token. A process may start others while it is ended, so it is
// repeated until none is left; half a second is enough for those that are not stuck in the kernel.
func endToken(token string) {
	want := []byte(TokenVariable + "=" + token)
	for range 50 {
		if !killAll(want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// killAll kills the processes with a variable in their environment, and reports whether there were any.
func killAll(variable []byte) (found bool) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return false
	}
	self := os.Getpid()
	for _, f := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil || pid == self {
			continue
		}
		env, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for v := range bytes.SplitSeq(env, []byte{0}) {
			if bytes.Equal(v, variable) {
				found = syscall.Kill(pid, syscall.SIGKILL) == nil || found
				break
			}
		}
	}
	return found
}
