package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/examples/internal/demo/demotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The program, on the real server.
func TestProgram(t *testing.T) {
	t.Parallel()
	demotest.Run(t, program,
		`POST /users {"email":"grace-`,
		`responds {"status":"new","mails":\["Welcome, Ada! `,
		`POST /verify {"token":"\w+"}`,
		`user-onboarding-flow runs setup-user-profile: done`,
		`user-onboarding-flow runs send-completion-email: done`,
		`sends user.schedule-tips-series, user.schedule-feedback-request`,
		`send-tip-series runs choose-tips: \["add a picture",.*"make a playlist"`,
		`send-tip-series runs send-tip-8: done`,
		`responds {"status":"verified","mails":\["Welcome, Ada! .*"Thank you, Ada, you are all set."`,
		`responds {"status":"unverified","mails":\["Welcome, Grace! .*"Grace, please verify`,
	)
}
