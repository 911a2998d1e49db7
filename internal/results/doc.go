// Package results reads what runs have stored and shows it: the choice of members of a front,
// figures, the report, the live page. It needs the directory of a run only, none of its models but
// the latency profile for the breakdowns of a report.
package results
