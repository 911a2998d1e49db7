package config

import "fmt"

// UsageError is a mistake of the user's, as against a failure of the program or
// of the machine.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Usage makes err an [UsageError].
func Usage(err error) error { return &UsageError{err} }

// Usagef is [fmt.Errorf] for an [UsageError].
func Usagef(format string, args ...any) error { return Usage(fmt.Errorf(format, args...)) }
