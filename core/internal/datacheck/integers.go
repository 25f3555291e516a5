package datacheck

import (
	"fmt"
	"strconv"

	"github.com/tidwall/gjson"
)

const (
	// minDigits is the number of digits of the smallest integer that a float64 cannot
	// represent, 9007199254740993.
	minDigits = 16
	// maxDigits is the number of digits up to which JavaScript writes an integer without
	// an exponent.
	maxDigits = 21
)

// IntegerError reports an integer that the server would round.
type IntegerError struct {
	Place Place
	Path  string
}

// Error implements error. The message does not contain the integer.
func (e *IntegerError) Error() string {
	return fmt.Sprintf("%s has an integer%s that the Inngest server would round, because it is above 2^53; "+
		`make it text, with the tag json:",string" or the type string`, e.Place, at(e.Path))
}

// FindInteger returns the path of the first integer in raw, which is JSON, that would
// not arrive unchanged. The server decodes every number as a float64 and writes it as
// JavaScript does. The path is "" for raw itself and has the keys of objects otherwise,
// as in orders[].id.
func FindInteger(raw []byte) (path string, found bool) {
	if !mayHaveLongInteger(raw) {
		return "", false
	}
	return findInteger(gjson.ParseBytes(raw), "")
}

func findInteger(value gjson.Result, path string) (where string, found bool) {
	switch {
	case value.Type == gjson.Number:
		return path, changes(value.Raw)
	case value.Type != gjson.JSON || !mayHaveLongInteger(value.Raw):
		return "", false
	}
	isArray := value.IsArray()
	value.ForEach(func(key, member gjson.Result) bool {
		if member.Type == gjson.Number || member.Type == gjson.JSON {
			where, found = findInteger(member, below(path, key.Str, isArray))
		}
		return !found
	})
	return where, found
}

// changes reports whether a number is an integer that would come back with another
// value, or with an exponent, which Go does not decode into an integer.
func changes(number string) bool {
	digits := number
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) < minDigits || countDigits(digits, 0) < len(digits) {
		return false
	}
	f, err := strconv.ParseFloat(number, 64)
	return err != nil || len(digits) > maxDigits || strconv.FormatFloat(f, 'f', -1, 64) != number
}

// mayHaveLongInteger reports whether raw may contain an integer of at least minDigits.
// It looks only at every 16th byte, which such an integer cannot avoid, and around
// those that are digits.
func mayHaveLongInteger[T []byte | string](raw T) bool {
	for i := minDigits - 1; i < len(raw); i += minDigits {
		if !isDigit(raw[i]) {
			continue
		}
		begin := i
		for begin > 0 && isDigit(raw[begin-1]) {
			begin--
		}
		end := i + countDigits(raw, i)
		if end-begin >= minDigits && isNumber(raw, begin, end) {
			return true
		}
		i = max(i, (end/minDigits)*minDigits-1) // continue after the digits
	}
	return false
}

// isNumber reports whether the digits from begin to end look like an integer, and not
// like a part of a string or a fraction. Some strings look like one, too.
func isNumber[T []byte | string](raw T, begin, end int) bool {
	if begin > 0 && raw[begin-1] == '-' {
		begin--
	}
	return (begin == 0 || isOneOf(raw[begin-1], "[,: \n\t\r")) && (end == len(raw) || isOneOf(raw[end], "],} \n\t\r"))
}

func isOneOf(c byte, set string) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// countDigits returns the number of consecutive digits from i on.
func countDigits[T []byte | string](raw T, i int) int {
	begin := i
	for i < len(raw) && isDigit(raw[i]) {
		i++
	}
	return i - begin
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
