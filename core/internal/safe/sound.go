package safe

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
)

// Sound returns err if its methods, and those of the errors in its chain, can be called.
// If one of them panics, it returns an error that names the type, names from as what
// returned err, and keeps whether and when err is to be retried.
//
// A nil pointer in an error ("var e *MyError; return e") is not retried: most likely
// nothing has failed.
func Sound(from string, err error) error {
	if err == nil {
		return nil
	}
	value, ok := probe(err)
	if ok {
		return err
	}
	bad := culprit(err)
	sound := fmt.Errorf("%s returned an error of type %T, whose methods panic: %s", from, bad, Sprint(value))
	if isNilPointer(bad) {
		sound = fmt.Errorf("%s returned a nil %T as its error, which is not nil to Go: return nil itself", from, bad)
	}
	switch at := retryAt(err); {
	case isNoRetry(err):
		return sdkerrors.NoRetryError(sound)
	case at != nil:
		return sdkerrors.RetryAtError(sound, *at)
	case isNilPointer(bad):
		return sdkerrors.NoRetryError(sound)
	default:
		return sound
	}
}

// IsSound reports whether the methods of err, and those of the errors in its chain, can
// be called.
func IsSound(err error) bool {
	_, ok := probe(err)
	return ok
}

// stranger is an error that no chain contains.
type stranger struct{}

func (*stranger) Error() string { return "" }

// probe calls the methods of err. It returns the value that one of them panicked with,
// or true if none did.
func probe(err error) (value any, ok bool) {
	defer func() {
		if !ok {
			value = recover()
		}
	}()
	_ = err.Error()
	// Both walk the whole chain, because nothing in it is a stranger.
	var target *stranger
	_ = errors.Is(err, &stranger{})
	_ = errors.As(err, &target)
	return nil, true
}

// culprit returns the innermost error in the chain whose methods panic.
func culprit(err error) error {
	for _, inner := range inside(err) {
		if inner == nil {
			continue
		}
		if _, ok := probe(inner); !ok {
			return culprit(inner)
		}
	}
	return err
}

// inside returns the errors that err wraps, nil if its Unwrap panics.
func inside(err error) (errs []error) {
	defer func() {
		if recover() != nil {
			errs = nil
		}
	}()
	switch e := err.(type) { //nolint:errorlint // each error of the chain is looked at in turn
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	default:
		return nil
	}
}

func isNilPointer(err error) bool {
	v := reflect.ValueOf(err)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// retryAt returns the time at which err is to be retried, nil if it has none or a method
// in its chain panics.
func retryAt(err error) (at *time.Time) {
	defer func() { _ = recover() }()
	return sdkerrors.GetRetryAtTime(err)
}

// isNoRetry reports whether err is not to be retried; false if a method in its chain
// panics.
func isNoRetry(err error) (no bool) {
	defer func() { _ = recover() }()
	return sdkerrors.IsNoRetryError(err)
}
