// Package results reads what runs have stored: the trials, the front by the run's score or by trained networks, the
// probability of each member to be on the true front, and the choice of members. It needs the directory of a run only,
// none of its models. Package view shows what it has read.
package results
