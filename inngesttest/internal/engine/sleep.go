package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/xhit/go-str2duration/v2"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// maxSleep is how long a step may sleep (MaxSleepDuration in pkg/consts of v1.43.0; v1.12.1
// has no limit).
const maxSleep = 366 * 24 * time.Hour

// applySleep lets a step sleep. The call after it saves its result first.
func (e *Engine) applySleep(f *flight, op *opcode) error {
	run, now := f.it.run, e.clock.now()
	duration, text, err := e.sleepDuration(op)
	if err != nil {
		return err
	}
	if duration > maxSleep && e.cfg.Version != version.Oldest {
		return &failure{name: nameTooLong, message: fmt.Sprintf(
			"The sleep %q ends more than one year in the future; sleeps may last at most one year.", text)}
	}
	if !run.claim(op.ID) {
		return nil
	}
	s := run.reach(op, now)
	until := now.Add(duration)
	s.Waits = "sleeps until " + until.UTC().Format(time.RFC3339)
	e.attemptRow(f, s, "sleeps %s", duration)
	e.enqueue(&item{kind: kindSleep, run: run, at: until, after: s.Key, sleep: s.Key})
	return nil
}

// sleepDuration returns how long a step sleeps: a duration, or the time to a date in whole
// seconds.
func (e *Engine) sleepDuration(op *opcode) (time.Duration, string, error) {
	var opts struct {
		Duration string `json:"duration"`
	}
	if len(op.Opts) > 0 {
		if err := json.Unmarshal(op.Opts, &opts); err != nil {
			return 0, "", err
		}
	}
	text := opts.Duration
	if text == "" {
		text = op.Name
	}
	if text == "" {
		return 0, "", nil
	}
	if until, err := time.Parse(time.RFC3339, text); err == nil {
		return max(0, until.Sub(e.clock.now()).Round(time.Second)), text, nil
	}
	duration, err := str2duration.ParseDuration(text)
	return duration, text, err
}
