package fleet_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"nas/internal/fleet"
	nasrun "nas/internal/run"
	"nas/internal/tasks"
	"nas/internal/work"
)

// roleVariable makes the test binary a part of a fleet, in a process of its own.
const roleVariable = "NAS_FLEET_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// play plays a role until it ends, or until a signal ends it.
func play(role string, args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	say := func(format string, a ...any) {
		fmt.Printf("%s %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, a...))
	}
	switch role {
	case "server": // directory, HOST:PORT, token file
		s, err := fleet.Serve(args[0], args[1], fleet.Access{TokenFile: args[2]}, say)
		if err != nil {
			return err
		}
		say("serving")
		<-ctx.Done()
		s.Close(false)
	case "worker": // URL, token file, name, milliseconds of a task, slots
		ms, slots := number(args[3]), number(args[4])
		w := fleet.Worker{
			Access: fleet.Access{URL: args[0], TokenFile: args[1]}, Name: args[2], Slots: slots, Evaluates: true, Say: say,
		}
		w.Before(func(ctx context.Context, t *tasks.Task) error {
			select { // from half as long to half as long again
			case <-time.After(time.Duration(ms) * time.Millisecond * time.Duration(50+t.Trial*37%101) / 100):
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		return w.Run(ctx)
	case "searcher": // URL, token file, directory, trials
		out, err := nasrun.Run(ctx, nasrun.Options{
			Options: work.Options{Say: func(line string) { say("%s", line) }},
			Config:  configOf(new(testing.T), args[2], number(args[3])), Resume: true,
			Fleet: &nasrun.FleetOptions{
				Access: fleet.Access{URL: args[0], TokenFile: args[1]}, Patience: 4 * time.Second,
			},
		})
		if err != nil {
			return err
		}
		say("ended: %s", out.Ended)
	}
	return nil
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// part starts a process that plays a role, by a prefix of other arguments. What it says goes to a file.
func part(t testing.TB, prefix []string, log, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := append(append(append([]string{}, prefix...), self), args...)
	c := exec.Command(all[0], all[1:]...)
	c.Env = append(os.Environ(), roleVariable+"="+role)
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return c
}
