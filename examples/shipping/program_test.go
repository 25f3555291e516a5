package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/examples/internal/demo/demotest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp has one for the whole process, which updates the time for the Date header.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Each fasthttp server has one that checks only every ten seconds whether to end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// The program, on the real server.
func TestProgram(t *testing.T) {
	t.Parallel()
	demotest.Run(t, program,
		`orders +handle-payment-completed starts for payment.completed`,
		`inventory +reserve-inventory runs check-and-reserve: {"reservationId":"reservation-order-\w{6}"}`,
		`orders +handle-inventory-reserved starts for inventory.reserved`,
		`fulfillment +create-fulfillment-order runs print-pick-list: done`,
		`POST /pick-lists/order-\w{6}/packed`,
		`fulfillment +create-fulfillment-order runs ship-order: `,
		`orders +handle-fulfillment-shipped starts for fulfillment.shipped`,
		`notifications +send-shipping-confirmation starts for notification.shipping-confirmation`,
		`responds {"sent":\["mail to ada@example.com","sms to 555-0100"\]}`,
		`responds {"statuses":\["paid: p1","reserved: reservation-order-\w{6}","shipped: 1Z-order-\w{6}"\]}`,
		`responds {"statuses":\["paid: p1","rejected: 9 of book: not in stock"\]}`,
		`I wait for the first book`,
		`responds {"statuses":\["paid: p1","reserved: .*","not shipped: not packed within 5s","released: .*"\]}`,
		`responds {"count":1}`,
	)
}
