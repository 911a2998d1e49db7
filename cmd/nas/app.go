package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nas/accuracy"
	"nas/blocks/kernels"
	"nas/internal/atomicfile"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/internal/work"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUndecided   = 3   // nas check MODEL cannot tell
	exitInterrupted = 130 // 128 + SIGINT
)

// app is what the commands share.
type app struct {
	stdout, stderr io.Writer // what is printed for people goes to stdout, as a rule
	out            *output   // standard output
	quiet          bool
	json           bool
	started        bool // the command line was understood
	warned         bool // of the config
	config         *config.Config
	meter          *meter
	rest           func() // ends the pulse of the meter
	file           fileOptions
}

// commands are the subcommands in the order of the help, under its headings.
var commands = []struct {
	heading string
	make    []func(*app) *cobra.Command
}{
	{"Search:", []func(*app) *cobra.Command{newRun, newCheck, newSpace, newPick, newGenes, newPlot, newReport,
		newCompare, newImprove}},
	{"Train networks:", []func(*app) *cobra.Command{
		newTrain, newEvaluators, newAsk, newWork, newTell, newWorker, newFleet}},
	{"Time networks:", []func(*app) *cobra.Command{
		newBench, newPredict, newCalibrate, newValidate, newDevices, newKernels, newDoctor}},
	{"See and convert networks:", []func(*app) *cobra.Command{
		newZoo, newShow, newExplain, newCost, newExport, newInfer, newQuantize}},
	{"This program:", []func(*app) *cobra.Command{newVersion}},
}

// run carries out one command line and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &output{Writer: stdout}
	a := &app{stdout: out, out: out, stderr: stderr, rest: func() {}}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	shells(root)
	err := root.ExecuteContext(ctx)
	a.rest()
	if out.err != nil && (err == nil || errors.As(err, new(syscall.Errno))) {
		err, a.started = out.err, true
	}
	if err == nil {
		return exitDone
	}
	code := a.exitCode(ctx, err)
	if code == exitInterrupted && !errors.Is(err, errInterrupted) {
		err = errInterrupted // "context canceled" says nothing to a person
	}
	if !errors.Is(err, syscall.EPIPE) { // whoever read the output has read enough
		text := errorText(err)
		if a.config != nil && errors.As(err, new(*config.UsageError)) {
			text = a.config.Place(text)
		}
		fmt.Fprintln(stderr, "nas: "+printable(shortened(text)))
	}
	if !a.started {
		fmt.Fprintln(stderr, "     nas --help, or --help behind a command, says more")
	}
	return code
}

// root is the command line.
func (a *app) root() *cobra.Command {
	version := false
	root := &cobra.Command{
		Use:   "nas",
		Short: "Search, design, measure and export networks of depthwise-separable blocks",
		Long: `nas searches a space of depthwise-separable networks for the best trade-off between
latency on a device and accuracy. It also measures, shows, converts and improves
single networks.

ARCH is a network: ` + archForms + `.`,
		Example: `  nas run configs/mobile.toml
  nas show mobilenet_v2@width=0.75 --layers
  nas plot results/mobile --out front.svg`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.started = true
			if err := emptyFlag(cmd.Flags()); err != nil {
				return err
			}
			if _, err := kernels.Default(); err != nil {
				return usagef("%w: want one of %s, or unset it", err, strings.Join(kernels.Supported(), ", "))
			}
			a.rest = a.begin(cmd.CommandPath())
			cmd.SetContext(accuracy.WithProgress(cmd.Context(), func(step string, done, total int) {
				a.meter.progress(work.Progress{Step: step, Done: done, Total: total})
			}))
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if version {
				return a.printVersion()
			}
			if len(args) == 0 {
				return cmd.Help()
			}
			message := fmt.Sprintf("there is no command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				message += ", do you mean " + strings.Join(near, " or ") + "?"
			}
			return usagef("%s (nas --help lists them)", message)
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var bad *pflag.InvalidValueError
		if none := (*pflag.NotExistError)(nil); errors.As(err, &none) {
			return unknownFlag(cmd, none.GetSpecifiedName(), err)
		}
		if want := ""; errors.As(err, &bad) {
			switch kind := bad.GetFlag().Value.Type(); {
			case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
				want = "a whole number"
			case strings.HasPrefix(kind, "float"):
				want = "a number"
			case kind == "duration":
				want = "a time such as 90s or 2m"
			case kind == "bool":
				want = "true or false"
			default:
				return err
			}
			return fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
		}
		return err
	})
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress on standard error")
	root.Flags().BoolVar(&version, "version", false, "the same as nas version")
	cobra.EnableCommandSorting = false
	for _, group := range commands {
		root.AddGroup(&cobra.Group{ID: group.heading, Title: group.heading})
		for _, make := range group.make {
			cmd := make(a)
			cmd.GroupID = group.heading
			root.AddCommand(cmd)
		}
	}
	root.SetCompletionCommandGroupID("This program:")
	completions(root)
	root.SetHelpCommand(&cobra.Command{Hidden: true, GroupID: "This program:"}) // --help is enough
	return root
}

// emptyFlag returns an error for a flag that is given without a value, as by a variable of a script that is not set, or
// as the 0 that stands for a default: the command would run as if the flag were not there.
func emptyFlag(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		empty := value == ""
		if list, ok := f.Value.(pflag.SliceValue); ok {
			empty = slices.Contains(list.GetSlice(), "")
		}
		zero := value == f.DefValue && strings.TrimSuffix(value, "s") == "0" && strings.Contains(f.Usage, "(default")
		switch {
		case err != nil:
		case empty:
			err = usagef("--%s is empty: give it a value, or leave it out", f.Name)
		case zero:
			err = usagef("--%s %s: want more than 0, or leave it out", f.Name, value)
		}
	})
	return err
}

func (a *app) exitCode(ctx context.Context, err error) int {
	var usage *usageError
	var wrong *config.UsageError
	var bad *config.Error
	var exists *runstore.ExistsError
	var place *atomicfile.PlaceError
	var slower *verdictError
	switch {
	case errors.As(err, &slower):
		return slower.code
	case a.started && ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, ctx.Err())):
		return exitInterrupted // whatever the command makes of its errors
	case !a.started, errors.As(err, &usage), errors.As(err, &wrong), errors.As(err, &bad),
		errors.As(err, &exists), errors.As(err, &place):
		return exitUsage
	case ctx.Err() != nil, errors.Is(err, errInterrupted):
		return exitInterrupted
	}
	return exitFailed
}

// usageError is a mistake in what the user asked for.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// jsonFlag adds --json to a command that prints figures.
func (a *app) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print one JSON object instead of text")
}

// writeJSON prints an object for scripts.
func (a *app) writeJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := a.stdout.Write(printableJSON(b.Bytes()))
	return err
}

// printf prints text to standard output. Errors are ignored: the reader may have gone.
func (a *app) printf(format string, args ...any) {
	fmt.Fprint(a.stdout, printable(fmt.Sprintf(format, args...)))
}

// notef prints text to standard error.
func (a *app) notef(format string, args ...any) {
	fmt.Fprint(a.stderr, printable(fmt.Sprintf(format, args...)))
}

// output is standard output. It remembers that it could not be written.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil && o.err == nil {
		o.err = &outputError{err}
	}
	return n, err
}

// outputError is the error of a command whose output went nowhere.
type outputError struct{ error }

// Unwrap returns the error of the system.
func (e *outputError) Unwrap() error { return e.error }

func (e *outputError) Error() string {
	var system syscall.Errno
	if errors.As(e.error, &system) {
		return "standard output cannot be written: " + system.Error()
	}
	return "standard output cannot be written: " + e.error.Error()
}

// isStdout reports whether a file is standard output: "-", or another name of it.
func (a *app) isStdout(path string) bool {
	f, ok := a.out.Writer.(*os.File)
	if path == "-" || !ok {
		return path == "-"
	}
	this, err := os.Stat(path)
	if err != nil {
		return false
	}
	out, err := f.Stat()
	return err == nil && os.SameFile(this, out)
}

// place checks the file of a flag, "" for none, before work is done for it. If it is standard output, what
// else the command prints goes to standard error.
func (a *app) place(flag, path string) error {
	switch {
	case path == "":
		return nil
	case !a.isStdout(path):
		return usage(atomicfile.Check(path))
	case a.json:
		return usagef("%s - and --json both want standard output: choose one", flag)
	}
	a.stdout = a.stderr
	return nil
}

// save writes a file that the command line names.
func (a *app) save(path string, write func(io.Writer) error) error {
	if a.isStdout(path) {
		return write(a.out)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, write)
}

// unknownFlag adds the flag that was probably meant to the error for one that a command does not have.
func unknownFlag(cmd *cobra.Command, name string, err error) error {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := config.Nearest(name, names); near != "" {
		return fmt.Errorf("%w, did you mean --%s?", err, near)
	}
	return fmt.Errorf("%w (%s --help lists those that there are)", err, cmd.CommandPath())
}
