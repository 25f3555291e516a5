package fulfillment

import (
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/inngestkit/inngestkit/examples/shipping/chassis"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// PickList says whether the warehouse is to pack an order.
type PickList struct {
	Printed bool `json:"printed"`
}

// Routes adds the routes of the service. The warehouse uses them.
func (s *Service) Routes(router fiber.Router) {
	router.Get("/pick-lists/:order", s.pickList)
	router.Post("/pick-lists/:order/packed", s.packed)
}

func (s *Service) pickList(c fiber.Ctx) error {
	printed, err := s.store.pickList(c.Context(), c.Params("order"))
	if err != nil {
		return err
	}
	return c.JSON(PickList{Printed: printed})
}

func (*Service) packed(c fiber.Ctx) error {
	// Fiber reuses the memory of its strings after the handler, so what is kept is copied.
	return chassis.Send(c, events.WarehousePacked.New(events.Packed{OrderID: strings.Clone(c.Params("order"))}))
}
