// Package runstore keeps a run in a directory: what it was made with, every
// trial in id order, and the tables derived from them. It promises that a
// process killed at any instant leaves a directory from which the run can be
// resumed, that no existing run is overwritten, and that the bytes of
// trials.jsonl depend on the trials alone.
package runstore

// The files of a run directory that this package writes.
const (
	ConfigFile     = "config.toml"            // the resolved configuration
	ProfileFile    = "profile.json"           // a copy of the latency profile used; see [ProfileName]
	ScaleFile      = "scale.json"             // the reference values of the accuracy score
	ManifestFile   = "manifest.json"          // [Manifest]
	TrialsFile     = "trials.jsonl"           // one line a trial, in id order
	FrontFile      = "front.csv"              // the members of the front
	MeasuredFile   = "measured.csv"           // [MeasuredRow]
	ReferencesFile = "references.json"        // [Reference]
	TrainedFile    = "told.csv"               // [TrainedRow]
	RerankedFile   = "front-told.csv"         // the front by the accuracies of trained networks
	RankedFile     = "ranked-told.csv"        // [RankedRow]
	ElsewhereFile  = "measured-elsewhere.csv" // [ElsewhereRow]
	TrainingFile   = "training.jsonl"         // a line for each rung that was trained, in the order in which they ended
	TrainingDir    = "train"                  // the folders of trials that were trained, by arch id
	WeightsDir     = "weights"                // what training left of trials; see [WeightsFile]
	ReportFile     = "report.html"
	lockFile       = ".lock"
)

// ProfileName is the file name of the copy of the i-th latency profile of a config, which has that name there.
func ProfileName(name string, i int) string {
	if i == 0 {
		return ProfileFile
	}
	return "profile-" + name + ".json"
}
