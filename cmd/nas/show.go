package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"nas/accuracy"
	"nas/accuracy/int8drop"
	"nas/blocks"
	"nas/blocks/onnx"
	"nas/internal/arenaview"
	"nas/internal/device"
	"nas/internal/fault"
	"nas/internal/report"
	"nas/internal/resolve"
	"nas/internal/runstore"
)

func newShow(a *app) *cobra.Command {
	var layers, operators bool
	var diagram, profile, recipe, arena string
	cmd := &cobra.Command{
		Use:   "show ARCH",
		Short: "Show a network: counts, receptive field, layers, diagram",
		Long: `Show prints what follows from a network's shape alone: parameters,
multiply-accumulates, peak activation memory (batch 1, 4 bytes a value) and
receptive field; and, of an image classifier, the estimated ImageNet accuracy with its
90 % interval, what it is lowered by and why it may be off. With --layers, one row for each layer; rows add up to the totals.
With --diagram, a picture of the architecture, its blocks to the scale of the
latency that --profile predicts, or the profile of this machine; without one, to
the scale of multiply-accumulates.

With --arena, the working memory that TensorFlow Lite Micro plans for the .tflite file
of 8-bit integers, and which tensor lives when and where in it; of a .tflite file, for
the file as it is. --arena=FILE draws it.

With --operators, and no ARCH, what is read of ONNX files.

ARCH is ` + archForms + `.`,
		Example: `  nas show mobilenet_v2@width=0.75,res=192 --layers
  nas show results/mobile:17 --diagram net.svg
  nas show results/mcu:17 --arena
  nas show results/mobile:17 --json
  nas show --operators`,
		Args: func(cmd *cobra.Command, args []string) error {
			if operators && len(args) == 0 {
				return nil
			}
			return oneArch(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if operators {
				if len(args) > 0 {
					return usagef("--operators goes without a network")
				}
				return showOperators(a)
			}
			if err := a.pictures(diagram, arena); err != nil {
				return err
			}
			n, err := a.find(args[0])
			if err != nil {
				return err
			}
			if diagram != "" {
				d, err := diagramOf(n, profile)
				if err != nil {
					return err
				}
				if err := a.draw(diagram, d); err != nil {
					return err
				}
			} else if profile != "" {
				return usagef("--profile goes with --diagram")
			}
			v := viewOf(n.Network, layers || a.json)
			if err := a.addArena(&v, args[0], arena, n); err != nil {
				return err
			}
			v.Arch, v.ArchID = n.Arch, n.Meta["arch_id"]
			if err := v.addTrained(n.Run); err != nil {
				return err
			}
			why := ""
			if v.Accuracy, why, err = accuracyOf(n.Network, recipe); err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(v)
			}
			v.Name = n.Title
			v.print(a)
			v.Accuracy.print(a, why)
			if v.Arena != nil {
				a.printf("\n%s", v.Arena.Text())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&layers, "layers", false, "list the layers")
	cmd.Flags().BoolVar(&operators, "operators", false, "list the ONNX operators that are read, and their attributes")
	cmd.Flags().StringVar(&diagram, "diagram", "", "draw the architecture into `FILE`, .svg, .png or .pdf")
	cmd.Flags().StringVar(&arena, "arena", "", "list the memory that TensorFlow Lite Micro needs; "+
		"with =`FILE`, draw it into FILE, .svg, .png or .pdf")
	cmd.Flags().Lookup("arena").NoOptDefVal = textOnly
	cmd.Flags().StringVar(&profile, "profile", "",
		"the latency profile of the diagram (default: the run's for a trial, else this machine's)")
	recipeFlag(cmd, &recipe)
	a.jsonFlag(cmd)
	a.fileFlags(cmd)
	return cmd
}

// textOnly as the value of --arena is the flag without a file.
const textOnly = "-text-"

// pictures checks where show draws.
func (a *app) pictures(diagram, arena string) error {
	if arena != textOnly {
		if err := a.picture("--arena", arena); err != nil {
			return err
		}
	}
	return a.picture("--diagram", diagram)
}

// addArena plans the arena of a network, if --arena is given, and draws it if that names a file.
func (a *app) addArena(v *networkView, arg, flag string, n *resolve.Network) (err error) {
	if flag == "" {
		return nil
	}
	if v.Arena, err = arenaview.Of(arg, n.Network); err != nil || flag == textOnly {
		return err
	}
	return a.draw(flag, v.Arena.Figure(n.Title))
}

// diagramOf draws a network to the scale of the latency by a profile: the one
// given, or this machine's if it has been calibrated.
func diagramOf(n *resolve.Network, profile string) (report.Figure, error) {
	p, err := profileFor(n, profile, device.Choice{})
	if err != nil {
		if profile != "" {
			return nil, err
		}
		return report.CountsDiagram(n.Network), nil
	}
	r, err := p.Predictor()
	if err != nil {
		return nil, err
	}
	e, err := r.Predict(n.Network)
	if err != nil {
		return nil, err
	}
	return report.NetworkDiagram(n.Network, e, p.Device.String()), nil
}

// networkView is a network's figures, in the JSON form that scripts rely on.
type networkView struct {
	Name           string          `json:"name"`
	ArchID         string          `json:"arch_id,omitempty"`
	Arch           string          `json:"arch,omitempty"`
	Input          [3]int          `json:"input"`
	Output         [3]int          `json:"output"`            // the first
	Outputs        [][3]int        `json:"outputs,omitempty"` // all, where there are several
	Params         int64           `json:"params"`
	MACs           int64           `json:"macs"`
	PeakActivation int64           `json:"peak_activation_bytes"`
	ReceptiveField int             `json:"receptive_field"`
	Layers         []layerView     `json:"layers,omitempty"`
	Arena          *arenaview.View `json:"arena,omitempty"`

	Accuracy *accuracyView `json:"accuracy,omitempty"`

	TrainedAccuracy float64 `json:"trained_accuracy,omitempty"` // per cent, by nas tell
	TrainedSeeds    int     `json:"trained_seeds,omitempty"`
}

// addTrained adds what the run of a trial was told about it.
func (v *networkView) addTrained(run string) error {
	if run == "" {
		return nil
	}
	rows, err := runstore.ReadTrained(run)
	for i := range rows {
		if rows[i].ArchID == v.ArchID {
			v.TrainedAccuracy, v.TrainedSeeds = rows[i].Accuracy(), len(rows[i].Accuracies)
		}
	}
	return err
}

type layerView struct {
	Name     string `json:"name"`
	Op       string `json:"op"`
	Kernel   [2]int `json:"kernel"`
	Stride   [2]int `json:"stride"`
	Dilation [2]int `json:"dilation"`
	Groups   int    `json:"groups"`
	In       [3]int `json:"in"`
	Out      [3]int `json:"out"`
	Params   int64  `json:"params"`
	MACs     int64  `json:"macs"`
	Stage    int    `json:"stage"`
	Block    int    `json:"block"`
}

func viewOf(n *blocks.Network, layers bool) networkView {
	c := n.Counts()
	v := networkView{Name: n.Name, Input: hwc(n.Input()), Output: hwc(n.Output()), Params: c.Params, MACs: c.MACs,
		PeakActivation: 4 * c.PeakActivations, ReceptiveField: n.ReceptiveField()}
	if several := n.Returned(); len(several) > 1 {
		for _, i := range several {
			v.Outputs = append(v.Outputs, hwc(n.Nodes[i].Shape))
		}
	}
	if layers {
		for _, l := range n.Layers() {
			v.Layers = append(v.Layers, layerView{
				l.Name, l.Op, l.Kernel, l.Stride, l.Dilation, l.Groups, hwc(l.In), hwc(l.Out), l.Params, l.MACs, l.Stage, l.Block,
			})
		}
	}
	return v
}

func hwc(s blocks.Shape) [3]int { return [3]int{s.H, s.W, s.C} }

func (v networkView) print(a *app) {
	if len(v.Layers) > 0 {
		t := table{head: []string{"layer", "op", "kernel", "stride", "dilation", "groups", "in", "out", "params", "MACs"}}
		for _, l := range v.Layers {
			window := [3]string{"-", "-", "-"}
			if l.Kernel != [2]int{} {
				window = [3]string{pair(l.Kernel), pair(l.Stride), pair(l.Dilation)}
			}
			t.add(l.Name, l.Op, window[0], window[1], window[2], l.Groups, shapeOf(l.In), shapeOf(l.Out), l.Params, l.MACs)
		}
		t.write(a.stdout)
		a.printf("\n")
	}
	a.printf("%s\n", v.Name)
	if v.Arch != "" {
		a.printf("  arch               %s\n", v.Arch)
		a.printf("  arch id            %s\n", v.ArchID)
	}
	a.printf("  input              %s\n", shapeOf(v.Input))
	if len(v.Outputs) == 0 {
		a.printf("  output             %s\n", shapeOf(v.Output))
	} else {
		var texts []string
		for _, o := range v.Outputs {
			texts = append(texts, shapeOf(o))
		}
		a.printf("  outputs            %s\n", strings.Join(texts, ", "))
	}
	a.printf("  params             %d (%s)\n", v.Params, si(v.Params))
	a.printf("  MACs               %d (%s)\n", v.MACs, si(v.MACs))
	a.printf("  peak activations   %d bytes (%sB)\n", v.PeakActivation, si(v.PeakActivation))
	a.printf("  receptive field    %d\n", v.ReceptiveField)
	if v.TrainedSeeds > 0 {
		a.printf("  trained accuracy   %.2f %% (%s)\n", v.TrainedAccuracy, seedsText(v.TrainedSeeds))
	}
}

func shapeOf(s [3]int) string { return blocks.Shape{H: s[0], W: s[1], C: s[2]}.String() }

// pair writes equal extents once.
func pair(p [2]int) string {
	if p[0] == p[1] {
		return fmt.Sprint(p[0])
	}
	return fmt.Sprintf("%dx%d", p[0], p[1])
}

// accuracyView is the fitted estimate of a network, in the JSON form that scripts rely on.
type accuracyView struct {
	Value    float64      `json:"value"`
	LowPct   float64      `json:"low_pct"` // 90 % interval
	HighPct  float64      `json:"high_pct"`
	Unit     string       `json:"unit"`
	Label    string       `json:"label"`
	Recipe   string       `json:"recipe"`
	Charges  []chargeView `json:"charges"`
	Warnings []string     `json:"warnings"`
	// Int8 are the points that 8-bit integers cost, with a scale for each output channel.
	Int8 int8drop.Drop `json:"int8_drop"`
}

type chargeView struct {
	Points float64 `json:"points"`
	Reason string  `json:"reason"`
}

// recipeFlag gives a command the class of recipes of its estimates.
func recipeFlag(cmd *cobra.Command, recipe *string) {
	cmd.Flags().StringVar(recipe, "recipe", "base",
		"the class of training recipes that the accuracy is estimated for: base, augmented, strong, distilled")
}

// accuracyOf estimates the accuracy of a network; without an estimate it says why.
func accuracyOf(n *blocks.Network, recipe string) (v *accuracyView, why string, err error) {
	if err := accuracy.CheckRecipe("imagenet", recipe); err != nil {
		return nil, "", usagef("--recipe %q: %s", recipe, fault.Text(err))
	}
	e, err := accuracy.NewImageNet(recipe)
	if err != nil {
		return nil, "", err
	}
	s, err := e.Estimate(context.Background(), n)
	if err != nil {
		return nil, fault.Text(err), nil
	}
	info := e.Info()
	v = &accuracyView{
		Value: s.Value, LowPct: s.Low, HighPct: s.High, Unit: info.Unit, Label: info.Label, Recipe: recipe,
		Charges: []chargeView{}, Warnings: append([]string{}, s.Warnings...),
	}
	for _, c := range s.Charges {
		v.Charges = append(v.Charges, chargeView{math.Round(1000*c.Points) / 1000, c.Reason})
	}
	v.Int8, err = int8drop.Estimate(n, s.Value, false)
	return v, "", err
}

// print writes the estimate, or why there is none, and the reasons for what it is lowered by and
// for what its interval is wider.
func (v *accuracyView) print(a *app, why string) {
	if v == nil {
		a.printf("  top-1 estimate     none: %s\n", why)
		return
	}
	a.printf("  top-1 estimate     %.2f %%, 90 %% interval %.1f to %.1f (ImageNet, %s recipe)\n",
		v.Value, v.LowPct, v.HighPct, v.Recipe)
	charged := map[string]bool{}
	for _, c := range v.Charges {
		a.printf("    %+.2f: %s\n", -c.Points, c.Reason)
		charged[c.Reason] = true
	}
	for _, w := range v.Warnings {
		if !charged[w] {
			a.printf("    wider: %s\n", w)
		}
	}
	a.printf("    as 8-bit integers %s\n", lostText(v.Int8))
}

// lostText says what integers cost, and what the figure rests on.
func lostText(d int8drop.Drop) string {
	return fmt.Sprintf("%.1f points less, perhaps %.1f to %.1f (%s)", d.Points, d.Low, d.High, d.Label)
}

// operatorsView is the JSON form of show --operators.
type operatorsView struct {
	Opsets    [2]int          `json:"opsets"` // first and last that are read
	Operators []onnx.Operator `json:"operators"`
}

// showOperators lists what is read of ONNX files.
func showOperators(a *app) error {
	all := onnx.Operators()
	if a.json {
		return a.writeJSON(operatorsView{[2]int{onnx.FirstOpset, onnx.LastOpset}, all})
	}
	t := table{head: []string{"operator", "opset", "inputs", "on", "attributes"}}
	for _, o := range all {
		t.add(o.Name, fmt.Sprintf("%d+", o.Since), o.InputCount(), o.On(), strings.Join(o.Attributes, " "))
	}
	t.write(a.stdout)
	a.printf("\nOpsets %d to %d. name=3: with that value only. name*: has no effect on inference.\n",
		onnx.FirstOpset, onnx.LastOpset)
	return nil
}

// seedsText is a number of seeds.
func seedsText(n int) string {
	if n == 1 {
		return "1 seed"
	}
	return fmt.Sprintf("%d seeds", n)
}
