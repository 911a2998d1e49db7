package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/random"
	"nas/space"
)

// maxSamples bounds --sample: all are kept until they are printed.
const maxSamples = 1_000_000

func newSpace(a *app) *cobra.Command {
	var samples, workers int
	var seed uint64
	var audit bool
	var profiles []string
	var narrow, out string
	cmd := &cobra.Command{
		Use:   "space CONFIG",
		Short: "Show a search space: its size, its choices, samples",
		Long: `Space reads the [space] section of a config and prints the exact number of
distinct networks and every gene with its choices. With --sample N it draws
networks from it and prints their counts.

With --audit it changes one gene at a time on 64 networks of the space. It says how
much that changes the config's accuracy score and the predicted latency, and which
genes the score cannot see. Of their choices a search takes the cheapest.

With --narrow DIR it writes the config with the space narrowed by what a run of it
showed: genes that change nothing beyond noise are fixed, and choices that no network
near the front takes are left out, each with the reason.`,
		Example: `  nas space configs/mobile.toml
  nas space configs/mobile.toml --narrow results/mobile --out results/narrow.toml
  nas space configs/mobile.toml --audit
  nas space configs/mobile.toml --sample 5 --seed 2`,
		Args: oneConfig,
		RunE: func(cmd *cobra.Command, args []string) error {
			if audit {
				return a.auditSpace(cmd, args[0], profiles, workers)
			}
			if narrow != "" {
				return a.narrowSpace(cmd.Context(), args[0], narrow, out)
			} else if cmd.Flags().Changed("out") {
				return usagef("--out is where --narrow writes the config: give both")
			}
			c, err := a.loadConfig(args[0])
			if err != nil {
				return err
			}
			s, err := space.New(c.Space)
			if err != nil {
				return usage(err)
			}
			if samples < 0 || samples > maxSamples {
				return usagef("--sample %d: want a number from 0 to %d", samples, maxSamples)
			}
			v := spaceView{Name: c.Name, ID: s.ID(), Size: s.Size().String(), Genes: []geneView{}, Samples: []sampleView{}}
			for _, g := range s.Genes() {
				v.Genes = append(v.Genes, geneView{g.Name, g.Choices})
			}
			r := random.Stream(seed, "samples")
			for range samples {
				if err := context.Cause(cmd.Context()); err != nil {
					return err
				}
				arch := s.Arch(s.Sample(r))
				n, err := arch.Network()
				if err != nil {
					return err
				}
				counts := n.Counts()
				v.Samples = append(v.Samples,
					sampleView{arch.ID(), arch.String(), counts.Params, counts.MACs, 4 * counts.PeakActivations})
			}
			if a.json {
				return a.writeJSON(v)
			}
			v.print(a, s.Size())
			return nil
		},
	}
	cmd.Flags().IntVar(&samples, "sample", 0, "print `N` networks drawn from the space")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "of the sample")
	cmd.Flags().BoolVar(&audit, "audit", false, "flip genes and say which of them the score cannot see")
	cmd.Flags().StringArrayVar(&profiles, "profile", nil,
		"with --audit: latency profile, `[NAME=]FILE`, instead of the config's")
	cmd.Flags().IntVar(&workers, "workers", 0, "with --audit: networks scored at once (default: one a core)")
	cmd.Flags().StringVar(&narrow, "narrow", "", "write the config without what the run in `DIR` showed not to matter")
	cmd.Flags().StringVar(&out, "out", "-", "with --narrow: the `FILE` to write")
	a.jsonFlag(cmd)
	return cmd
}

func oneConfig(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want one config file, such as configs/mobile.toml, got %d arguments", len(args))
	}
	return nil
}

// loadConfig reads a config and checks it as a run does. Whatever is wrong with it is the user's mistake.
// set puts what the command line says instead into the config, before it is checked.
func (a *app) loadConfig(path string, set ...func(*config.Config) error) (*config.Config, error) {
	var wrong error
	c, err := config.Load(path, func(c *config.Config, report func(key, value, want string)) {
		for _, s := range set {
			wrong = errors.Join(wrong, s(c))
		}
		evaluator.Check(c, report)
	})
	if err = cmp.Or(err, wrong); err != nil {
		return nil, usage(err)
	}
	a.warnConfig(path, c)
	a.config = c
	return c, nil
}

// spaceOf reads the space of a config whose device and files may be elsewhere.
func (a *app) spaceOf(path string) (*space.Space, error) {
	c, err := config.Load(path)
	if err != nil {
		return nil, usage(err)
	}
	a.warnConfig(path, c)
	s, err := space.New(c.Space)
	return s, usage(err)
}

func (a *app) warnConfig(path string, c *config.Config) {
	if a.quiet || a.warned {
		return
	}
	a.warned = true
	for _, w := range c.Warnings() {
		fmt.Fprintf(a.stderr, "warning: %s%s\n", path, w)
	}
}

type spaceView struct {
	Name    string       `json:"name"`
	ID      string       `json:"space_id"`
	Size    string       `json:"size"` // exact, so text
	Genes   []geneView   `json:"genes"`
	Samples []sampleView `json:"samples"`
}

type geneView struct {
	Name    string   `json:"name"`
	Choices []string `json:"choices"`
}

type sampleView struct {
	ArchID         string `json:"arch_id"`
	Arch           string `json:"arch"`
	Params         int64  `json:"params"`
	MACs           int64  `json:"macs"`
	PeakActivation int64  `json:"peak_activation_bytes"`
}

func (v spaceView) print(a *app, size *big.Int) {
	f, _ := new(big.Float).SetInt(size).Float64()
	a.printf("%s: %s networks", v.Name, v.Size)
	if f >= 1e6 {
		a.printf(" (about 10^%.1f)", math.Log10(f))
	}
	a.printf(", %d genes\n\n", len(v.Genes))
	t := table{head: []string{"gene", "choices"}}
	for _, g := range v.Genes {
		t.add(g.Name, strings.Join(g.Choices, "  "))
	}
	t.write(a.stdout)
	if len(v.Samples) == 0 {
		return
	}
	a.printf("\n")
	t = table{head: []string{"arch_id", "params", "MACs", "peak bytes", "arch"}}
	for _, s := range v.Samples {
		t.add(s.ArchID, si(s.Params), si(s.MACs), si(s.PeakActivation), s.Arch)
	}
	t.write(a.stdout)
}
