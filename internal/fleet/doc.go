// Package fleet carries tasks over NATS JetStream: one process searches, and any number of workers on other machines do
// its tasks.
//
// The run's journal is the only truth. The queue holds what has no outcome yet: it is filled from the run when the
// searcher starts, and again whenever the service is found to have lost some of it. An outcome counts once it is in the
// journal, on the disk of the searcher, and only then is the task acknowledged. A queue that is lost costs a repetition
// and never a result.
//
// Who may connect may take tasks and send outcomes. Messages are bounded and checked; none of them names a program or a
// path, and a worker runs only the recipes that its own operator gave it.
package fleet
