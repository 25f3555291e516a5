package limits

import (
	"strconv"
	"time"
)

// backoff is the time to the next attempt, by the number of the attempt that failed
// (pkg/backoff of the server). Later attempts wait as long as the last one.
var backoff = []time.Duration{
	15 * time.Second,
	30 * time.Second,
	time.Minute,
	2 * time.Minute,
	5 * time.Minute,
	10 * time.Minute,
	20 * time.Minute,
	40 * time.Minute,
	time.Hour,
	2 * time.Hour,
}

// maxJitter is the end of the range of the jitter, which it never reaches.
const maxJitter = 30 * time.Second

// Backoff returns the time between an attempt that failed and the next. attempt is
// zero-based. jitter returns a duration from 0 to below max, of which whole milliseconds
// count; nil means none.
func Backoff(attempt int, jitter func(limit time.Duration) time.Duration) time.Duration {
	wait := backoff[min(attempt, len(backoff)-1)]
	if jitter != nil {
		wait += jitter(maxJitter).Truncate(time.Millisecond)
	}
	return wait
}

// The range of a retry that the app asks for: MinRetryDuration and MaxRetryDuration in
// pkg/consts of the server.
const (
	minRetryAfter = time.Second
	maxRetryAfter = 24 * time.Hour
)

// maxSecondsLen is the length up to which a Retry-After header may be a number of seconds.
const maxSecondsLen = 7

// RetryAfter returns the time of the next attempt that a response asks for with the header
// Retry-After, and false if the header is empty or unreadable; then [Backoff] counts. The
// header is a number of seconds of up to 7 digits, or a date in one of several formats. The
// server adds seconds to the time in whole seconds, so the attempt is up to a second
// early. It is at most 24 hours ahead. If it is due in less than a second or in the past,
// it is the next whole second (ParseRetry in pkg/execution/driver/httpdriver of the
// server).
func RetryAfter(header string, now time.Time) (at time.Time, ok bool) {
	whole := now.UTC().Truncate(time.Second)
	at, ok = parseRetryAfter(header, whole)
	if !ok {
		return time.Time{}, false
	}
	switch wait := at.Sub(now); {
	case wait > maxRetryAfter:
		return whole.Add(maxRetryAfter), true
	case wait < minRetryAfter:
		return whole.Add(minRetryAfter), true
	}
	return at.UTC(), true
}

func parseRetryAfter(header string, whole time.Time) (at time.Time, ok bool) {
	if len(header) <= maxSecondsLen {
		if seconds, err := strconv.Atoi(header); err == nil && seconds > 0 {
			return whole.Add(time.Duration(seconds) * time.Second), true
		}
	}
	for _, layout := range retryAfterLayouts {
		if at, err := time.Parse(layout, header); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// retryAfterLayouts are the formats of dates that both supported versions read
// (pkg/dateutil of the server).
var retryAfterLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	time.RFC1123,
	time.RFC822,
	time.RFC822Z,
	time.RFC850,
	time.RubyDate,
	time.UnixDate,
	time.ANSIC,
	time.Stamp,
	time.StampMilli,
	"2006-01-02",
}
