// Package tasks is work of a run that another process does: what is to be done (a [Task]), with what (a [Setup]), and
// what came of it (an [Outcome]). How they travel is the affair of packages jobs and fleet.
//
// All three may come from somebody else. What is read is bounded and checked, and none of it names a program or a path.
package tasks
