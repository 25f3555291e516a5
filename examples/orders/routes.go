package main

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// routes are the routes of the shop.
type routes struct{ store *Store }

// newRouter returns an Echo application like any other, with two lines for Inngest.
func newRouter(app *inngestkit.App, store *Store) *echo.Echo {
	e := echo.New()
	e.Use(inngestechov5.Middleware(app)) // for inngestechov5.Send in handlers
	inngestechov5.Mount(e, app)          // /api/inngest, where the server calls the functions

	r := &routes{store: store}
	e.PUT("/stock/:sku", r.setStock)
	e.GET("/stock/:sku", r.stock)
	e.POST("/orders", r.submit)
	e.GET("/orders/:id", r.order)
	e.POST("/orders/:id/cancel", r.cancel)
	return e
}

// submit responds at once. The order is accepted when Inngest has its event; the function
// stores it.
func (r *routes) submit(c *echo.Context) error {
	var order Submitted
	if err := c.Bind(&order); err != nil {
		return err
	}
	if err := check(order); err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, err.Error())
	}
	order.OrderID = "order-" + strings.ToLower(rand.Text()[:6])
	if order.Priority == "" {
		order.Priority = "standard"
	}
	return r.send(c, order.OrderID, orderSubmitted.New(order))
}

// check returns what is wrong with an order.
func check(order Submitted) error {
	switch {
	case !strings.Contains(order.Email, "@"):
		return errors.New("email: want an address")
	case order.CustomerID == "" || order.Address == "" || order.PaymentToken == "":
		return errors.New("customerId, address and paymentToken: must not be empty")
	case len(order.Items) == 0:
		return errors.New("items: must not be empty")
	}
	for sku, count := range order.Items {
		if count <= 0 || count > 1000 {
			return errors.New("items: " + sku + ": want 1 to 1000 pieces")
		}
	}
	return nil
}

// cancel cancels an order, whatever its state is.
func (r *routes) cancel(c *echo.Context) error {
	cancelled := Cancelled{OrderID: c.Param("id")}
	var form struct {
		Reason string `json:"reason"`
	}
	if err := c.Bind(&form); err != nil {
		return err
	}
	cancelled.Reason = form.Reason
	return r.send(c, cancelled.OrderID, orderCancelled.New(cancelled))
}

// send sends an event about an order, and writes the response. Echo responds to an error
// with its status.
func (r *routes) send(c *echo.Context, orderID string, event inngestkit.AnyEvent) error {
	ids, err := inngestechov5.Send(c, event)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]string{"orderId": orderID, "eventId": ids[0]})
}

// order returns an order and the mails about it. It is not found until the function has
// stored it.
func (r *routes) order(c *echo.Context) error {
	ctx, id := c.Request().Context(), c.Param("id")
	order, err := r.store.Order(ctx, id)
	if errors.Is(err, ErrNoOrder) {
		return echo.NewHTTPError(http.StatusNotFound, err.Error())
	}
	if err != nil {
		return err
	}
	mails, err := r.store.Mails(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, orderView{
		Status: order.Status, Reason: order.Reason, Cents: order.Cents, RefundedCents: order.RefundedCents, Mails: mails,
	})
}

// orderView is what a customer sees of an order.
type orderView struct {
	Status        string   `json:"status"`
	Reason        string   `json:"reason,omitempty"`
	Cents         int      `json:"cents"`
	RefundedCents int      `json:"refundedCents,omitempty"`
	Mails         []string `json:"mails"`
}

// article is the stock of an article.
type article struct {
	Count int `json:"count"`
	Cents int `json:"cents,omitempty"`
}

func (r *routes) setStock(c *echo.Context) error {
	var a article
	if err := c.Bind(&a); err != nil {
		return err
	}
	if a.Count < 0 || a.Cents <= 0 {
		return echo.NewHTTPError(http.StatusBadRequest, "want a count and a price in cents")
	}
	if err := r.store.SetStock(c.Request().Context(), c.Param("sku"), a.Count, a.Cents); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a)
}

func (r *routes) stock(c *echo.Context) error {
	count, err := r.store.Stock(c.Request().Context(), c.Param("sku"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, article{Count: count})
}
