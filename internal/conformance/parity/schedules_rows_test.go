package parity

import (
	"context"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// scheduleRows show schedules. They need up to a minute, and note only the first run of each
// function: how many there are depends on when they begin.
var scheduleRows = []Row{
	{
		Name: "schedule",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnCron(p.name(""), "* * * * *",
				func(ctx context.Context, in inngestkit.CronInput) (string, error) {
					if p.Add("fires") == 1 {
						p.Note("the function gets " + in.Event.Name + " " + in.Event.Data.Cron)
						p.noteIf(in.Event.Data.FireAt.Equal(in.Event.Data.ScheduledAt), "it is on time")
						p.noteIf(!in.Event.Data.FireAt.IsZero(), "it knows its time")
						p.noteIf(!time.Now().Before(in.Event.Data.FireAt), "that time has come")
					}
					return done(ctx, "tick")
				})}
		},
		Drive:  fires,
		Oldest: "the data of the event has no times",
	},
	{
		Name: "schedule-with-a-time-zone-and-an-event",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent(p.name(""),
				inngestkit.AnyOfTypes(p.Event(""), inngestkit.Cron("* * * * *")),
				func(_ context.Context, in inngestkit.Input[any]) (string, error) {
					switch data := in.Event.Data.(type) {
					case inngestkit.CronData:
						if p.Add("fires") == 1 {
							p.Note("the function gets " + in.Event.Name + " " + data.Cron)
						}
					case Data:
						p.Note("the function gets " + in.Event.Name + " " + data.ID)
					}
					return "", nil
				}, inngestkit.TimeZone("Europe/Paris"))}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "1"}))...)
			w.EndedOf(t, p.name(""), 2)
		},
		Unordered: "the schedule may fire before the event comes",
	},
	{
		Name: "schedule-that-fails",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnCron(p.name(""), "* * * * *",
				func(context.Context, inngestkit.CronInput) (string, error) {
					return "", inngestkit.NoRetry(errNotYet)
				}, inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[inngestkit.CronData]]) (any, error) {
					if p.Add("fires") == 1 {
						p.Note("the handler gets " + in.Event.Data.Event.Name + " " + in.Event.Data.Event.Data.Cron + ": " + in.Event.Data.Error.Message)
					}
					return nil, nil
				}))}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			fires(t, w, p)
			w.EndedOf(t, p.name("")+"-failure", 1)
		},
	},
}

// fires waits until the schedule of the function "" has fired.
func fires(t testing.TB, w World, p *Probe) { w.EndedOf(t, p.name(""), 1) }
