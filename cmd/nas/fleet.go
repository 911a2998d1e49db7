package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nas/internal/config"
	"nas/internal/device"
	"nas/internal/fleet"
	nasrun "nas/internal/run"
)

// fleetFlags say which NATS service carries tasks, and how to be let in.
type fleetFlags struct {
	fleet.Access
	listen   string
	patience time.Duration
}

const embedded = "embedded"

// add adds the flags; searches says whether it is for the searcher.
func (x *fleetFlags) add(f *pflag.FlagSet, searches bool) {
	if searches {
		f.StringVar(&x.URL, "fleet", "",
			"evaluate by the workers at `URL` (nats://HOST:4222), or embedded: a service in this process")
		f.StringVar(&x.listen, "listen", "", "where the embedded service listens, `HOST:PORT` (default 127.0.0.1:4222)")
		f.DurationVar(&x.patience, "patience", 15*time.Second,
			"how long a worker may be silent before its task goes to another")
	} else {
		f.StringVar(&x.URL, "fleet", ownService, "the service, `URL`")
	}
	x.addAccess(f)
}

func (x *fleetFlags) addAccess(f *pflag.FlagSet) {
	f.StringVar(&x.TokenFile, "token-file", "", "`FILE` with the token of the service (or the variable NAS_FLEET_TOKEN)")
	f.StringVar(&x.NKeyFile, "nkey-file", "", "`FILE` with the seed of an nkey")
	f.StringVar(&x.Credentials, "creds", "", "`FILE` of NATS user credentials")
	f.StringVar(&x.CA, "tls-ca", "", "`FILE` of the certificates that the other side's is signed with")
	f.StringVar(&x.Cert, "tls-cert", "", "`FILE` of this side's certificate")
	f.StringVar(&x.Key, "tls-key", "", "`FILE` of its key")
}

// options are those of a run; nil without a fleet.
func (x *fleetFlags) options() *nasrun.FleetOptions {
	if x.URL == "" {
		return nil
	}
	return &nasrun.FleetOptions{Access: x.Access, Embedded: x.URL == embedded, Listen: x.listen, Patience: x.patience}
}

// check checks the flags of a run.
func (x *fleetFlags) check() error {
	switch {
	case x.URL == "" && (x.listen != "" || x.TokenFile != "" || x.NKeyFile != "" || x.Credentials != "" || x.Cert != ""):
		return usagef("--listen, --token-file and the like are for --fleet")
	case x.listen != "" && x.URL != embedded:
		return usagef("--listen is for --fleet embedded: another service has its own address")
	case x.URL == embedded && x.Credentials != "":
		return usagef("--creds is for a service that is there: give the embedded one a token, an nkey or certificates")
	case x.patience < time.Second || x.patience > time.Hour:
		return usagef("--patience %v: want 1s to 1h", x.patience)
	}
	return x.checkPair()
}

func (x *fleetFlags) checkPair() error {
	if (x.Cert == "") != (x.Key == "") {
		return usagef("--tls-cert and --tls-key belong together: give both")
	}
	return nil
}

func newWorker(a *app) *cobra.Command {
	var x fleetFlags
	var name string
	var slots int
	var measures, evaluates bool
	var trains []string
	var data, scratch string
	var on device.Choice
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Work for the searches of a fleet",
		Long: `Worker takes tasks from the searches that a NATS service reaches (nas run --fleet), and works
until Ctrl-C. It then finishes its tasks or gives them back. It joins and leaves whenever it
likes; a task whose worker falls silent goes to another.

It evaluates candidates, if it is the same version with the same kind of kernels as the
search. With --measures it times networks on its device instead, and should do nothing else
meanwhile. With --trains RECIPE it trains the candidates of searches whose evaluator is that
very recipe, file for file, with that very data. --evaluates makes it evaluate, too. Nothing
that comes by message names a program: what a worker runs is on its own command line.`,
		Example: `  nas worker --fleet nats://192.168.1.10:4222 --token-file token
  nas worker --fleet nats://192.168.1.10:4222 --token-file token --measures --name pixel7
  nas worker --fleet nats://192.168.1.10:4222 --token-file token --trains train.toml --data photos`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := x.checkPair(); err != nil {
				return err
			}
			if slots < 1 || slots > 1024 {
				return usagef("--slots %d: want 1 to 1024", slots)
			}
			w := fleet.Worker{
				Access: x.Access, Name: workerName(name), Slots: slots, Evaluates: evaluates || !measures && len(trains) == 0,
				Say: func(format string, args ...any) { a.meter.say(fmt.Sprintf(format, args...)) },
			}
			if measures {
				rt, err := on.Runtime()
				if err != nil {
					return config.Usagef("--device: %w", err)
				}
				w.Device = rt
			} else if on != (device.Choice{}) {
				return usagef("--device and --threads are for --measures")
			}
			var err error
			if w.Schools, err = schools(cmd.Context(), trains, data, scratch); err != nil {
				return err
			}
			for _, s := range w.Schools {
				w.Slots = max(w.Slots, s.Slots())
			}
			a.rest() // it says what there is to say
			return w.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	x.add(f, false)
	f.StringVar(&name, "name", "", "what this worker is called, of letters, digits, - and _ (default: host and process)")
	f.IntVar(&slots, "slots", 1, "tasks at once")
	f.BoolVar(&measures, "measures", false, "time networks on this device")
	addTraining(f, &trains, &data, &scratch)
	f.BoolVar(&evaluates, "evaluates", false, "evaluate candidates, beside --measures")
	f.StringVar(&on.Device, "device", "", "where networks are timed: "+device.Forms)
	f.IntVar(&on.Threads, "threads", 0, "threads of a network that is timed (default 1, or the recipe's)")
	return cmd
}

var notPlain = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// workerName is the name of a worker, by default one that no other on its host has.
func workerName(name string) string {
	if name != "" {
		return name
	}
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	host = notPlain.ReplaceAllString(host, "-")
	return fmt.Sprintf("%.40s-%d", host, os.Getpid())
}

// ownService is the address of a service on this machine.
const ownService = "nats://127.0.0.1:4222"

func newFleet(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "fleet",
		Short:   "See what the workers of a fleet do",
		Long:    `Fleet status prints the searches that a NATS service reaches, with their workers and queues.`,
		Example: `  nas fleet status nats://127.0.0.1:4222`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usagef("want nas fleet status URL")
		},
	}
	var x fleetFlags
	status := &cobra.Command{
		Use:     "status [URL]",
		Short:   "Print workers, queue and failures",
		Long:    `Status asks the searches at a NATS service how they stand, without a URL at that of this machine.`,
		Example: `  nas fleet status nats://127.0.0.1:4222 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("want the address of a NATS service, such as nats://127.0.0.1:4222, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			x.URL = ownService
			if len(args) == 1 {
				x.URL = args[0]
			}
			if err := x.checkPair(); err != nil {
				return err
			}
			all, err := fleet.Ask(cmd.Context(), x.Access)
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(fleetView(all))
			}
			for i := range all {
				a.printStatus(&all[i])
			}
			return nil
		},
	}
	x.addAccess(status.Flags())
	a.jsonFlag(status)
	cmd.AddCommand(status)
	return cmd
}

// fleetView is the JSON of all searches: the sums at the top, so that a script need not know how many there are.
func fleetView(all []fleet.Status) map[string]any {
	workers := map[string]fleet.WorkerStatus{}
	queued, running, done, failed := 0, 0, 0, 0
	for _, s := range all {
		queued, done, failed = queued+s.Queued, done+s.Done, failed+s.Failed
		for _, w := range s.Workers {
			if known, ok := workers[w.Name]; !ok || known.Gone {
				workers[w.Name] = w
			}
		}
	}
	list := []fleet.WorkerStatus{}
	for _, w := range workers {
		list = append(list, w)
		if !w.Gone {
			running += w.Busy
		}
	}
	return map[string]any{
		"workers": list, "queued": queued, "running": running, "done": done, "failed": failed, "searches": all,
	}
}

func (a *app) printStatus(s *fleet.Status) {
	a.printf("%s (run %s, nas %s): %s\n", s.Name, s.Run, s.Version, s)
	if s.Refused+s.Repeated+s.Requeued > 0 {
		a.printf("%d messages refused, %d tasks came to a worker again, %d were queued again\n",
			s.Refused, s.Repeated, s.Requeued)
	}
	t := table{head: []string{"worker", "busy", "done", "failed", "refused", "takes", "silent", "note"}}
	for _, w := range s.Workers {
		silent := fmt.Sprintf("%.0f s", w.SilentS)
		if w.Gone {
			silent += ", gone"
		}
		t.add(w.Name, fmt.Sprintf("%d of %d", w.Busy, w.Slots), w.Done, w.Failed, w.Refused,
			strings.Join(w.Takes, " "), silent, w.Note)
	}
	t.write(a.stdout)
	a.printf("\n")
}
