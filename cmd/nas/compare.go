package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks/zoo"
	"nas/internal/compare"
	"nas/internal/device"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/latency"
	"nas/latency/devices"
)

func newCompare(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compare A B...",
		Short: "Set runs, networks or devices beside each other",
		Long: `Compare takes runs, networks and latency profiles, in any order:

  several runs                     whose front is ahead, all on the device of the first
  a run and profiles               which members of its front change places between devices
  several profiles                 the same for the classifiers of the zoo
  networks and several profiles    the same for these networks
  one network, several profiles    where its time goes on each device, block by block
  several networks, one profile    where the time of each goes; without a profile, on this
                                   machine, or on that of the run for a trial

Two networks change places if one is faster on one device and slower on the other. Beside
them stands the chance that this is noise, from the intervals of the predictions.`,
		Example: `  nas compare mobilenet_v2 mobilenet_v3_large --json
  nas compare mobilenet_v2 pixel4 pixel4-int8
  nas compare results/mobile results/phone
  nas plot results/mobile results/phone --what compare --out compare.svg`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("want two or more runs, networks or profiles, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.sortCompared(args)
			if err != nil {
				return err
			}
			return a.compare(c)
		},
	}
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

// compared are the arguments of nas compare by kind.
type compared struct {
	runs     []*results.Stored
	networks []compare.Network
	devices  []compare.Device
	own      *latency.Profile // of the first network, where none is given
}

func (a *app) sortCompared(args []string) (c compared, err error) {
	first := "" // network
	for _, arg := range args {
		switch _, err := os.Stat(filepath.Join(arg, runstore.ManifestFile)); {
		case err == nil:
			s, err := results.Load(arg)
			if err != nil {
				return c, usage(err)
			}
			c.runs = append(c.runs, s)
		case isProfile(arg):
			p, err := latency.Load(arg)
			if err != nil {
				return c, usage(err)
			}
			r, err := p.Predictor()
			if err != nil {
				return c, err
			}
			c.devices = append(c.devices, compare.Device{Name: arg, Predictor: r})
		default:
			n, err := a.find(arg)
			if err != nil {
				return c, err
			}
			timed, err := inFloats(n)
			if err != nil {
				return c, err
			}
			c.networks = append(c.networks, compare.Network{Name: n.Title, Network: timed})
			if first == "" {
				first = arg
			}
		}
	}
	if len(c.networks) > 1 && len(c.devices)+len(c.runs) == 0 {
		n, err := a.find(first)
		if err != nil {
			return c, err
		}
		c.own, err = profileFor(n, "", device.Choice{})
		return c, err
	}
	return c, nil
}

// isProfile tells whether an argument is a latency profile: the name of a shipped one, or a file that is none of a
// network.
func isProfile(arg string) bool {
	if slices.Contains(devices.Profiles(), arg) {
		return true
	}
	if filepath.Ext(arg) != ".json" {
		return false
	}
	_, err := latency.Load(arg)
	return err == nil
}

func (a *app) compare(c compared) error {
	switch runs, networks, ds := len(c.runs), len(c.networks), len(c.devices); {
	case runs > 1 && networks+ds == 0:
		return a.compareRuns(c.runs)
	case runs == 1 && networks == 0 && ds > 0:
		d, err := compare.DeviceOf(c.runs[0])
		if err != nil {
			return usage(err)
		}
		ms, err := compare.Members(c.runs[0], d)
		if err != nil {
			return err
		}
		for _, m := range ms {
			c.networks = append(c.networks, m.Network)
		}
		return a.compareDevices(c.networks, append([]compare.Device{d}, c.devices...))
	case runs == 0 && networks == 0 && ds > 1:
		for _, e := range zoo.Entries() {
			if slices.ContainsFunc(e.Figures, func(f zoo.Figure) bool { return f.Quantity == "miou_pct" }) {
				continue // it segments, and profiles are made of classifiers
			}
			n, err := zoo.Get(e.Name)
			if err != nil {
				return err
			}
			c.networks = append(c.networks, compare.Network{Name: e.Name, Network: n})
		}
		return a.compareDevices(c.networks, c.devices)
	case runs == 0 && networks == 1 && ds > 1:
		p, err := compare.OnDevices(c.networks[0], c.devices)
		if err != nil {
			return err
		}
		return a.printPlaces(c.networks[0].Name, p)
	case runs == 0 && networks > 1 && ds > 1:
		return a.compareDevices(c.networks, c.devices)
	case runs == 0 && networks > 1:
		if c.own != nil {
			r, err := c.own.Predictor()
			if err != nil {
				return err
			}
			c.devices = []compare.Device{{Name: c.own.Device.String(), Predictor: r}}
		}
		p, err := compare.OnDevice(c.networks, c.devices[0])
		if err != nil {
			return err
		}
		return a.printPlaces("on "+c.devices[0].Name, p)
	}
	return usagef("%d runs, %d networks and %d profiles do not go together: nas compare --help lists what does",
		len(c.runs), len(c.networks), len(c.devices))
}

func (a *app) compareRuns(runs []*results.Stored) error {
	f, err := compare.Runs(runs)
	if err != nil {
		return usage(err)
	}
	var swaps *compare.Table
	if f.Differ() {
		if swaps, err = compare.Between(runs, f); err != nil {
			return usage(err)
		}
	}
	if a.json {
		return a.writeJSON(struct {
			*compare.Fronts
			Between *compare.Table `json:"between,omitempty"`
		}{f, swaps})
	}
	a.printf("fronts on %s, predicted\n\n", f.Device)
	t := table{head: []string{"run", "searched for", "front"}}
	for _, r := range f.Runs {
		t.head = append(t.head, "ahead of "+r.Dir+" %")
	}
	for i, r := range f.Runs {
		row := []any{r.Dir, r.Device, len(r.Members)}
		for j, pct := range f.AheadPct[i] {
			if i == j {
				row = append(row, "")
			} else {
				row = append(row, fmt.Sprintf("%.0f", pct))
			}
		}
		t.add(row...)
	}
	t.write(a.stdout)
	if swaps != nil {
		a.printf("\n")
		a.printSwaps(swaps)
	}
	return nil
}

// shownSwaps bounds what is printed of networks that change places.
const shownSwaps = 12

func (a *app) compareDevices(networks []compare.Network, ds []compare.Device) error {
	c, err := compare.Devices(networks, ds)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(c)
	}
	t := table{head: append([]string{"network"}, c.Devices...)}
	for _, n := range c.Networks {
		row := []any{n.Name}
		for k := range n.LatencyMs {
			row = append(row, fmt.Sprintf("%s (%s to %s)", ms(n.LatencyMs[k]), ms(n.LowMs[k]), ms(n.HighMs[k])))
		}
		t.add(row...)
	}
	t.write(a.stdout)
	a.printf("predicted latency in ms, with 90 %% intervals\n\n")
	a.printSwaps(c)
	return nil
}

func (a *app) printSwaps(c *compare.Table) {
	for _, o := range c.Orders {
		pairs := "1 pair changes"
		if o.Swaps != 1 {
			pairs = fmt.Sprintf("%d pairs change", o.Swaps)
		}
		a.printf("%s and %s: Kendall's tau %.2f; of %d networks, %s places\n", o.Devices[0], o.Devices[1], o.Kendall,
			len(c.Networks), pairs)
	}
	if len(c.Swaps) == 0 {
		return
	}
	a.printf("\n")
	t := table{head: []string{"network", "and", "ratio", "on", "ratio", "on", "noise %"}}
	for _, s := range c.Swaps[:min(len(c.Swaps), shownSwaps)] {
		t.add(s.Networks[0], s.Networks[1], fmt.Sprintf("%.3f", s.Ratios[0]), s.Devices[0],
			fmt.Sprintf("%.3f", s.Ratios[1]), s.Devices[1], fmt.Sprintf("%.0f", s.NoisePct))
	}
	t.write(a.stdout)
	if more := len(c.Swaps) - shownSwaps; more > 0 {
		a.printf("and %d more, less sure; --json has all\n", more)
	}
}

func (a *app) printPlaces(what string, p *compare.Places) error {
	if a.json {
		return a.writeJSON(p)
	}
	a.printf("%s, predicted, in ms and in %% of the latency\n\n", what)
	t := table{head: []string{"place"}}
	for _, of := range p.Of {
		t.head = append(t.head, strings.TrimSpace(of), "%")
	}
	for _, r := range p.Rows {
		row := []any{r.Place}
		for i := range r.Ms {
			if r.Ms[i] == 0 { // the network has no such block
				row = append(row, "", "")
				continue
			}
			row = append(row, fmt.Sprintf("%.4f", r.Ms[i]), fmt.Sprintf("%.1f", r.SharePct[i]))
		}
		t.add(row...)
	}
	total := []any{"in all"}
	for _, v := range p.Total {
		total = append(total, fmt.Sprintf("%.4f", v), "100.0")
	}
	t.add(total...)
	t.write(a.stdout)
	return nil
}
