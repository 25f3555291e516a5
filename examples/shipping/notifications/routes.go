package notifications

import "github.com/gofiber/fiber/v3"

// List has the notifications about an order.
type List struct {
	Sent []string `json:"sent"`
}

// Routes adds the routes of the service.
func (s *Service) Routes(router fiber.Router) { router.Get("/notifications/:order", s.list) }

func (s *Service) list(c fiber.Ctx) error {
	sent, err := s.store.list(c.Context(), c.Params("order"))
	if err != nil {
		return err
	}
	return c.JSON(List{Sent: sent})
}
