//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the processes of a command a group of their own, which is asked to end when the command's time is up.
// With bound, the command does not outlive this process where the system can see to that.
func ownGroup(cmd *exec.Cmd, bound bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if bound {
		endWithParent(cmd.SysProcAttr)
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends all processes of a command.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
