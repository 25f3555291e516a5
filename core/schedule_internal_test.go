package inngestkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// The options of a group apply to the functions that have a schedule.
func TestScheduleOptionsOfAGroup(t *testing.T) {
	t.Parallel()
	event := trigger{event: "e"}
	for _, tc := range []struct {
		name     string
		own, of  []Option
		triggers []trigger
		want     []trigger
	}{
		{
			"schedule", nil, []Option{TimeZone("Asia/Tokyo"), Jitter(time.Minute)},
			[]trigger{event, {cron: "0 9 * * *", isCron: true}},
			[]trigger{event, {cron: "TZ=Asia/Tokyo 0 9 * * *", isCron: true, jitter: time.Minute}},
		},
		{
			"schedule with a zone and options of its own", []Option{Jitter(0)}, []Option{TimeZone("Asia/Tokyo"), Jitter(time.Minute)},
			[]trigger{{cron: "TZ=UTC 0 9 * * *", isCron: true}},
			[]trigger{{cron: "TZ=UTC 0 9 * * *", isCron: true}},
		},
		{
			"function with another zone", []Option{TimeZone("UTC")}, []Option{TimeZone("Asia/Tokyo")},
			[]trigger{{cron: "0 9 * * *", isCron: true}},
			[]trigger{{cron: "TZ=UTC 0 9 * * *", isCron: true}},
		},
		{
			"no schedule", nil, []Option{TimeZone("Asia/Tokyo"), Jitter(time.Minute)}, []trigger{event}, []trigger{event},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c fnconfig.Config
			for _, o := range tc.own {
				fnconfig.Apply(o, &c)
			}
			c.NextLevel()
			for _, o := range tc.of {
				fnconfig.Apply(o, &c)
			}
			require.Equal(t, tc.want, scheduled(tc.triggers, &c))
			require.Empty(t, c.Problems)
		})
	}
}

// The group's time zone may make two schedules of a function equal, which is refused.
func TestTheZoneOfAGroupMakesTwoSchedulesOne(t *testing.T) {
	t.Parallel()
	var c fnconfig.Config
	c.NextLevel()
	fnconfig.Apply(TimeZone("Asia/Tokyo"), &c)
	checkTwice(scheduled([]trigger{
		{cron: "TZ=Asia/Tokyo 0 9 * * *", isCron: true}, {cron: "0 9 * * *", isCron: true},
	}, &c), c.Refuse)
	require.Equal(t, []fnconfig.Problem{
		{Field: "Trigger", Value: "TZ=Asia/Tokyo 0 9 * * *", Reason: "is given twice; give it once"},
	}, c.Problems)
}
