package inventory

import (
	"net/http"

	"github.com/gofiber/fiber/v3"
)

// Article is the stock of an article.
type Article struct {
	Count int `json:"count"`
}

// Routes adds the routes of the service.
func (s *Service) Routes(router fiber.Router) {
	router.Put("/stock/:sku", s.setStock)
	router.Get("/stock/:sku", s.stock)
}

func (s *Service) setStock(c fiber.Ctx) error {
	var article Article
	if err := c.Bind().JSON(&article); err != nil || article.Count < 0 {
		return fiber.NewError(http.StatusBadRequest, "want a count")
	}
	if err := s.store.set(c.Context(), c.Params("sku"), article.Count); err != nil {
		return err
	}
	return c.JSON(article)
}

func (s *Service) stock(c fiber.Ctx) error {
	count, err := s.store.count(c.Context(), c.Params("sku"))
	if err != nil {
		return err
	}
	return c.JSON(Article{Count: count})
}
