// Package integers finds integers that the Inngest server would change: it takes every
// number for a float64, and writes it as JavaScript does. It also finds text that
// encoding/json has changed.
package integers

import (
	"strconv"

	"github.com/tidwall/gjson"
)

const (
	// fewest is how many digits the smallest integer has that a float64 cannot hold:
	// 9007199254740993.
	fewest = 16
	// most is how many digits an integer has at most that is written without an exponent.
	most = 21
)

// Find returns the path of the first integer in raw, which is JSON, that would not arrive
// as it is: "" for raw itself, orders[].id with the keys of objects.
func Find(raw []byte) (path string, found bool) {
	if !suspect(raw) {
		return "", false
	}
	return find(gjson.ParseBytes(raw), "")
}

func find(value gjson.Result, path string) (where string, found bool) {
	switch {
	case value.Type == gjson.Number:
		return path, changes(value.Raw)
	case value.Type != gjson.JSON || !suspect(value.Raw):
		return "", false
	}
	isArray := value.IsArray()
	value.ForEach(func(key, member gjson.Result) bool {
		if member.Type == gjson.Number || member.Type == gjson.JSON {
			where, found = find(member, below(path, key.Str, isArray))
		}
		return !found
	})
	return where, found
}

func below(path, key string, isArray bool) string {
	switch {
	case isArray:
		return path + "[]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

// changes reports whether a number is an integer that would come back as another one, or
// with an exponent, which integers in Go do not take.
func changes(number string) bool {
	digits := number
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) < fewest || digitsAt(digits, 0) < len(digits) {
		return false
	}
	f, err := strconv.ParseFloat(number, 64)
	return err != nil || len(digits) > most || strconv.FormatFloat(f, 'f', -1, 64) != number
}

// suspect reports whether there may be a long integer in raw. It looks at every 16th byte
// only, where one would leave a digit, and at what is around those that are digits.
func suspect[T []byte | string](raw T) bool {
	for i := fewest - 1; i < len(raw); i += fewest {
		if !isDigit(raw[i]) {
			continue
		}
		begin := i
		for begin > 0 && isDigit(raw[begin-1]) {
			begin--
		}
		end := i + digitsAt(raw, i)
		if end-begin >= fewest && isNumber(raw, begin, end) {
			return true
		}
		i = max(i, (end/fewest)*fewest-1) // on to the first place behind the digits
	}
	return false
}

// isNumber reports whether the digits from begin to end look like an integer, and not like
// a part of a string or a fraction. Some strings look like that, too.
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

// digitsAt is how many digits there are from i on.
func digitsAt[T []byte | string](raw T, i int) int {
	begin := i
	for i < len(raw) && isDigit(raw[i]) {
		i++
	}
	return i - begin
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
