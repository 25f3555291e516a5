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
		`process-order runs process-payment: fails, payment of 2100 cents: the bank does not respond`,
		`process-order runs process-payment: "payment-order-\w{6}"`,
		`process-order runs create-fulfillment-order: "fulfillment-order-\w{6}"`,
		`sends analytics.order-completed, fulfillment.order-ready, customer.purchase-completed`,
		`process-order returns `,
		`process-order runs create-fulfillment-order: fails, nowhere: the address is unknown`,
		`process-order runs cancel-fulfillment: done`,
		`process-order runs release-inventory: done`,
		`process-order runs refund-payment: done`,
		`process-order-failure runs handle-order-failure: done`,
		`responds {"status":"failed",.*,"refundedCents":2100,"mails":\["order-failed"\]}`,
		`process-order runs process-payment: fails, payment of 2100 cents: the card was declined`,
		`responds {"status":"failed",.*,"mails":\["order-failed"\]}`,
		`POST /orders/order-\w{6}/cancel {"reason":"too slow"}`,
		`process-order runs process-payment: "payment-order-\w{6}"`,
		`cancel-order runs refund-payment: done`,
		`responds {"status":"cancelled","reason":"too slow","cents":2100,"refundedCents":2100,"mails":\["order-cancelled"\]}`,
		`responds {"count":2}`,
	)
}
