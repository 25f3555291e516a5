package orders

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/inngestkit/inngestkit/examples/shipping/chassis"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// Routes adds the routes of the service.
func (s *Service) Routes(router fiber.Router) {
	router.Post("/orders", s.place)
	router.Post("/orders/:id/payments", s.pay)
	router.Get("/orders/:id", s.status)
}

// place takes an order, which is not paid yet.
func (s *Service) place(c fiber.Ctx) error {
	var order Order
	if err := c.Bind().JSON(&order); err != nil {
		return fiber.NewError(http.StatusBadRequest, err.Error())
	}
	if !strings.Contains(order.Customer.Email, "@") || order.Address == "" || len(order.Items) == 0 {
		return fiber.NewError(http.StatusBadRequest, "want a customer with an email, an address, and items")
	}
	for sku, count := range order.Items {
		if count <= 0 || count > 1000 {
			return fiber.NewError(http.StatusBadRequest, sku+": want 1 to 1000 pieces")
		}
	}
	order.ID = "order-" + strings.ToLower(rand.Text()[:6])
	if err := s.store.insert(c.Context(), order); err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(fiber.Map{"orderId": order.ID})
}

// pay stands for the webhook of a bank. The event starts everything else.
func (s *Service) pay(c fiber.Ctx) error {
	var payment events.Payment
	if err := c.Bind().JSON(&payment); err != nil || payment.PaymentID == "" {
		return fiber.NewError(http.StatusBadRequest, "want a paymentId")
	}
	payment.OrderID = strings.Clone(c.Params("id")) // Fiber reuses its memory after the handler
	return chassis.Send(c, events.PaymentCompleted.New(payment))
}

// Status is what a customer sees of an order.
type Status struct {
	Statuses []string `json:"statuses"`
}

func (s *Service) status(c fiber.Ctx) error {
	statuses, err := s.store.statuses(c.Context(), c.Params("id"))
	if err != nil {
		return err
	}
	return c.JSON(Status{Statuses: statuses})
}
