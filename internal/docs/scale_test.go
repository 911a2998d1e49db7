package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// kubernetesJob holds the fields of a Job of the API batch/v1 that the manual uses, with their types there: a key that
// is misspelt, stands elsewhere or has another type is an error.
type kubernetesJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Completions, Parallelism int32
		CompletionMode           string `yaml:"completionMode"`
		BackoffLimit             int32  `yaml:"backoffLimit"`
		Template                 struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []struct {
					Name, Image  string
					Command      []string
					VolumeMounts []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct {
					Name                  string
					PersistentVolumeClaim struct {
						ClaimName string `yaml:"claimName"`
					} `yaml:"persistentVolumeClaim"`
				}
			}
		}
	}
}

// fenced returns the blocks between lines of three backticks.
func fenced(t *testing.T, page string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(m[1]))
	}
	return blocks
}

// TestKubernetesJob: the manual's Job is one, its mounts have volumes, and its command starts nas work with the index.
func TestKubernetesJob(t *testing.T) {
	n := 0
	for _, text := range fenced(t, "scale.md") {
		if !strings.HasPrefix(text, "apiVersion:") {
			continue
		}
		n++
		var job kubernetesJob
		d := yaml.NewDecoder(strings.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(&job); err != nil {
			t.Fatal(err)
		}
		s := &job.Spec
		if job.APIVersion != "batch/v1" || job.Kind != "Job" || s.CompletionMode != "Indexed" || job.Metadata.Name == "" {
			t.Errorf("it is no indexed Job: %+v", job)
		}
		if s.Completions < 1 || s.Parallelism < 1 || s.Parallelism > s.Completions {
			t.Errorf("%d completions, %d at once", s.Completions, s.Parallelism)
		}
		if p := s.Template.Spec.RestartPolicy; p != "OnFailure" && p != "Never" { // a Job may have no other
			t.Errorf("restartPolicy: %s", p)
		}
		volumes := map[string]bool{}
		for _, v := range s.Template.Spec.Volumes {
			volumes[v.Name] = v.PersistentVolumeClaim.ClaimName != ""
		}
		if len(s.Template.Spec.Containers) == 0 {
			t.Error("it has no container")
		}
		for _, c := range s.Template.Spec.Containers {
			command := strings.Join(c.Command, " ")
			if c.Name == "" || c.Image == "" || !strings.Contains(command, "nas work") {
				t.Errorf("the container is %+v", c)
			}
			for _, m := range c.VolumeMounts {
				if !volumes[m.Name] || !strings.Contains(command, m.MountPath+"/$JOB_COMPLETION_INDEX") {
					t.Errorf("%s is mounted at %s, and %q runs", m.Name, m.MountPath, command)
				}
			}
		}
	}
	if n == 0 {
		t.Error("the manual has no Job")
	}
}

// slurmOptions are those of sbatch that the manual uses, with the form of their values.
var slurmOptions = map[string]string{
	"array": `^\d+-\d+(%\d+)?$`, "cpus-per-task": `^\d+$`, "time": `^\d\d:\d\d:\d\d$`,
}

// TestSlurmArray: the manual's batch script is one: its options are sbatch's, and the shell can read it.
func TestSlurmArray(t *testing.T) {
	n := 0
	for _, text := range fenced(t, "scale.md") {
		if !strings.Contains(text, "#SBATCH") {
			continue
		}
		n++
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if lines[0] != "#!/bin/bash" {
			t.Errorf("sbatch wants an interpreter in the first line, it is %q", lines[0])
		}
		body := false
		for _, line := range lines[1:] {
			option, ok := strings.CutPrefix(line, "#SBATCH --")
			if !ok {
				body = true
				continue
			}
			name, value, _ := strings.Cut(option, "=")
			if form := slurmOptions[name]; form == "" || !regexp.MustCompile(form).MatchString(value) {
				t.Errorf("%q: no such option, or no such value", line)
			}
			if body {
				t.Errorf("%q: sbatch reads no options behind the first command", line)
			}
		}
		if !strings.Contains(text, "nas work jobs/$SLURM_ARRAY_TASK_ID") {
			t.Error("it does not do the job of its index")
		}
		bash, err := exec.LookPath("bash")
		if err != nil {
			t.Skip("SKIPPED, the script was not read by a shell: there is no bash here")
		}
		c := exec.Command(bash, "-n")
		c.Stdin = strings.NewReader(text)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	if n == 0 {
		t.Error("the manual has no batch script")
	}
}

// TestKubeconform has the manual's Job checked against the schema of Kubernetes, where the program for that is.
func TestKubeconform(t *testing.T) {
	program, err := exec.LookPath("kubeconform")
	if err != nil {
		t.Skip("SKIPPED, the Job was not checked against the schema of Kubernetes: there is no kubeconform here " +
			"(go install github.com/yannh/kubeconform/cmd/kubeconform@latest)")
	}
	for _, text := range fenced(t, "scale.md") {
		if strings.HasPrefix(text, "apiVersion:") {
			c := exec.Command(program, "-strict", "-summary", "-")
			c.Stdin = strings.NewReader(text)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		}
	}
}
